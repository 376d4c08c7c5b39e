// Microsoft's own client of Blob Storage, at Azurite: a line of JSON per deed on stdin, a line of JSON per answer on stdout.
const { BlobServiceClient, StorageSharedKeyCredential, ContainerSASPermissions, generateBlobSASQueryParameters } = require('@azure/storage-blob')
const { createInterface } = require('readline')
const [url, account, key] = process.argv.slice(2)
const credential = new StorageSharedKeyCredential(account, key)
const service = new BlobServiceClient(url, credential)

const deeds = {
  container: async ({ container }) => { await service.getContainerClient(container).createIfNotExists() },
  put: async ({ container, name, text, base64, metadata }) => {
    const body = base64 ? Buffer.from(base64, 'base64') : Buffer.from(text)
    await service.getContainerClient(container).getBlockBlobClient(name).upload(body, body.length, { metadata })
  },
  append: async ({ container, name, text }) => {
    const blob = service.getContainerClient(container).getAppendBlobClient(name)
    await blob.createIfNotExists()
    await blob.appendBlock(text, Buffer.byteLength(text))
  },
  // blocks that nobody has committed: no blob yet
  stage: async ({ container, name, text }) => {
    await service.getContainerClient(container).getBlockBlobClient(name).stageBlock(Buffer.from('1').toString('base64'), text, Buffer.byteLength(text))
  },
  remove: async ({ container, name }) => { await service.getContainerClient(container).deleteBlob(name, { deleteSnapshots: 'include' }) },
  snapshot: async ({ container, name }) => { await service.getContainerClient(container).getBlockBlobClient(name).createSnapshot() },
  list: async ({ container, prefix }) => {
    const found = []
    for await (const blob of service.getContainerClient(container).listBlobsFlat({ prefix })) found.push([blob.name, blob.properties.contentLength, blob.properties.etag.replace(/"/g, '')])
    return found
  },
  sas: async ({ container, permissions, minutes }) => {
    const now = Date.now()
    return generateBlobSASQueryParameters({ containerName: container, permissions: ContainerSASPermissions.parse(permissions),
      startsOn: new Date(now - 7200000), expiresOn: new Date(now + minutes * 60000) }, credential).toString()
  },
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const deed = JSON.parse(line)
  deeds.queue = (deeds.queue ?? Promise.resolve()).then(() => deeds[deed.do](deed)).then(
    (result) => console.log(JSON.stringify({ result: result ?? null })),
    (error) => console.log(JSON.stringify({ error: error.message })))
})
