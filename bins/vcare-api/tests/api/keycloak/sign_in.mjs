// Gets tokens as an app does, and prints the provider's answer.
// Usage: node sign_in.mjs person ISSUER CLIENT REDIRECT_URI USERNAME PASSWORD   (authorization code with PKCE)
//        node sign_in.mjs service ISSUER CLIENT SECRET                          (client credentials)
import { createHash, randomBytes } from 'node:crypto'

const [kind, issuer, client, ...rest] = process.argv.slice(2)
const discovered = await fetch(`${issuer}/.well-known/openid-configuration`).then((response) => response.json())

async function tokens(headers, body) {
  const response = await fetch(discovered.token_endpoint, { method: 'POST', headers, body: new URLSearchParams(body) })
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return response.json()
}

const jar = new Map()

/** One request of a browser, with its cookies. */
async function visit(url, options = {}) {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
  const response = await fetch(url, { redirect: 'manual', ...options, headers: { cookie } })
  for (const line of response.headers.getSetCookie()) {
    const [name, value] = line.split(';')[0].split(/=(.*)/s)
    jar.set(name, value)
  }
  return response
}

async function person(redirectUri, username, password) {
  const verifier = randomBytes(32).toString('base64url')
  const state = randomBytes(8).toString('base64url')
  const question = new URLSearchParams({
    client_id: client,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid profile',
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  let url = `${discovered.authorization_endpoint}?${question}`
  let options = {}
  for (let steps = 0; steps < 10 && !url.startsWith(redirectUri); steps += 1) {
    const response = await visit(url, options)
    const next = response.headers.get('location')
    options = {}
    if (next) url = new URL(next, url).href
    // The page that asks who it is.
    else if (response.status === 200) options = { method: 'POST', body: new URLSearchParams({ username, password }) }
    else throw new Error(`${response.status} ${await response.text()}`)
  }
  const answer = new URL(url).searchParams
  if (answer.get('state') !== state || !answer.get('code')) throw new Error(`no code: ${answer}`)
  const grant = { grant_type: 'authorization_code', code: answer.get('code'), redirect_uri: redirectUri }
  return tokens({}, { ...grant, client_id: client, code_verifier: verifier })
}

async function service(secret) {
  const credentials = Buffer.from(`${client}:${secret}`).toString('base64')
  return tokens({ authorization: `Basic ${credentials}` }, { grant_type: 'client_credentials' })
}

console.log(JSON.stringify(await (kind === 'person' ? person(...rest) : service(...rest))))
