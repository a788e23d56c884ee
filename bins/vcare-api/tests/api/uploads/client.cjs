// Uploads a file with tus-js-client, and says what became of it.
// Usage: node client.cjs ENDPOINT TOKEN FILE CHUNK METADATA(JSON); VCARE_TEST_TUS is where the client is installed.
const fs = require('node:fs')
const path = require('node:path')
const { Upload } = require(path.join(process.env.VCARE_TEST_TUS, 'node_modules', 'tus-js-client'))

const [endpoint, token, file, chunk, metadata] = process.argv.slice(2)
const told = { requests: {}, began: Date.now() }
const upload = new Upload(fs.createReadStream(file), {
  endpoint,
  uploadSize: fs.statSync(file).size,
  chunkSize: Number(chunk),
  // As an app on a bad link has it: at once, and then for ever.
  retryDelays: [0, ...Array(200).fill(500)],
  headers: { Authorization: `Bearer ${token}` },
  metadata: JSON.parse(metadata),
  onAfterResponse(req, res) {
    const what = `${req.getMethod()} ${res.getStatus()}`
    told.requests[what] = (told.requests[what] || 0) + 1
  },
  onError(error) {
    told.error = String(error)
    done()
  },
  onSuccess: done,
})

function done() {
  told.url = upload.url
  told.millis = Date.now() - told.began
  console.log(JSON.stringify(told))
  process.exit(told.error ? 1 : 0)
}

upload.start()
