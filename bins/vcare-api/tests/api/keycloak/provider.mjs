// Plays Keycloak: oidc-provider from npm with Keycloak's paths. What stands in an access token is decided by the clients,
// scopes and protocol mappers of a realm's file, in the way Keycloak documents them.
// Usage: node provider.mjs REALM.json USERS.json; VCARE_TEST_OIDC is where oidc-provider is installed.
// Says in one line where it is and what secrets it drew for clients, and runs until its standard input ends.
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const installed = path.join(process.env.VCARE_TEST_OIDC, 'node_modules', 'oidc-provider', 'lib', 'index.js')
const { default: Provider } = await import(pathToFileURL(installed).href)
const [realm, users] = process.argv.slice(2).map((file) => JSON.parse(fs.readFileSync(file, 'utf8')))
for (const account of realm.users) users.push({ id: randomUUID(), ...account })

// --- The realm ------------------------------------------------------------------------------------------------------

const clientOf = (id) => realm.clients.find((client) => client.clientId === id)

/** An attribute of somebody, else of one of their groups. */
function attribute(user, name) {
  const groups = (user.groups ?? []).map((group) => realm.groups.find((known) => known.path === group))
  return [user, ...groups].map((owner) => owner.attributes?.[name]?.[0]).find((value) => value !== undefined)
}

/** What each kind of protocol mapper adds to an access token. */
const mappers = {
  'oidc-audience-mapper': (config, user, token) => {
    token.aud.add(config['included.client.audience'] ?? config['included.custom.audience'])
  },
  'oidc-hardcoded-claim-mapper': (config, user, token) => {
    token.claims[config['claim.name']] = config['claim.value']
  },
  'oidc-usermodel-attribute-mapper': (config, user, token) => {
    token.claims[config['claim.name']] = attribute(user, config['user.attribute'])
  },
}

/** What each of Keycloak's own client scopes adds. */
const scopes = {
  basic: (client, user, token) => {
    token.claims.sub = user.id
  },
  acr: (client, user, token) => {
    token.claims.acr = '1'
  },
  'web-origins': (client, user, token) => {
    token.claims['allowed-origins'] = client.webOrigins
  },
  profile: (client, user, token) => {
    const name = [user.firstName, user.lastName].filter(Boolean).join(' ') || undefined
    const { username: preferred_username, firstName: given_name, lastName: family_name } = user
    Object.assign(token.claims, { name, preferred_username, given_name, family_name })
  },
  roles: (client, user, token) => {
    const everybodys = [`default-roles-${realm.realm}`, 'offline_access', 'uma_authorization']
    token.claims.realm_access = { roles: [...everybodys, ...(user.realmRoles ?? [])] }
    const roles = { account: ['manage-account', 'view-profile'], ...user.clientRoles }
    token.claims.resource_access = Object.fromEntries(Object.entries(roles).map(([id, held]) => [id, { roles: held }]))
    // "Audience resolve": whoever has a role at a client may call it.
    for (const id of Object.keys(roles)) if (id !== client.clientId) token.aud.add(id)
  },
}

/** The claims of an access token that this client gets for this user. */
function accessTokenClaims(client, user) {
  const token = { aud: new Set(), claims: { typ: 'Bearer', azp: client.clientId } }
  for (const name of client.defaultClientScopes) scopes[name](client, user, token)
  for (const { protocolMapper, config } of client.protocolMappers) {
    if (config['access.token.claim'] === 'true') mappers[protocolMapper](config, user, token)
  }
  const aud = [...token.aud]
  return { ...token.claims, aud: aud.length === 1 ? aud[0] : aud }
}

// --- The provider ---------------------------------------------------------------------------------------------------

const server = createServer()
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const mount = `/realms/${realm.realm}`
const issuer = `http://127.0.0.1:${server.address().port}${mount}`

/** A key, described as Keycloak describes its keys. */
function key(use, alg, half) {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { ...pair[half].export({ format: 'jwk' }), use, alg, kid: randomBytes(32).toString('base64url') }
}

const secrets = {}
const clients = realm.clients.filter((client) => client.standardFlowEnabled || client.serviceAccountsEnabled)
const RESOURCE = 'urn:vcare:test:api'
const provider = new Provider(issuer, {
  clients: clients.map((client) => {
    if (!client.publicClient) secrets[client.clientId] = randomBytes(24).toString('base64url')
    return {
      client_id: client.clientId,
      client_secret: secrets[client.clientId],
      token_endpoint_auth_method: client.publicClient ? 'none' : 'client_secret_basic',
      redirect_uris: client.redirectUris ?? [],
      response_types: client.standardFlowEnabled ? ['code'] : [],
      grant_types: client.standardFlowEnabled ? ['authorization_code'] : ['client_credentials'],
    }
  }),
  jwks: { keys: [key('sig', 'RS256', 'privateKey')] },
  cookies: { keys: [randomBytes(24).toString('base64url')] },
  scopes: ['openid', 'profile', 'offline_access'],
  pkce: { required: () => true },
  routes: {
    authorization: '/protocol/openid-connect/auth',
    token: '/protocol/openid-connect/token',
    jwks: '/protocol/openid-connect/certs',
    userinfo: '/protocol/openid-connect/userinfo',
  },
  ttl: { AccessToken: realm.accessTokenLifespan, ClientCredentials: realm.accessTokenLifespan },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (ctx, interaction) => `${mount}/login-actions/authenticate?execution=${interaction.uid}` },
  // Apps of the realm's own are not asked for consent.
  loadExistingGrant: async (ctx) => {
    const { client, session } = ctx.oidc
    const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId })
    grant.addOIDCScope('openid profile')
    await grant.save()
    return grant
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    // The way in which oidc-provider is told to write access tokens as JSON Web Tokens.
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: '', audience: RESOURCE, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
    },
  },
  formats: {
    customizers: {
      jwt: (ctx, token, jwt) => {
        const account = (user) => user.id === token.accountId || (!token.accountId && user.serviceAccountClientId === token.clientId)
        const { iat, exp, jti, iss, scope } = jwt.payload
        jwt.header = { typ: 'JWT' }
        jwt.payload = { exp, iat, jti, iss, scope, ...accessTokenClaims(clientOf(token.clientId), users.find(account)) }
      },
    },
  },
})

// Keycloak publishes a key beside it that signs nothing.
const other = key('enc', 'RSA-OAEP', 'publicKey')
provider.use(async (ctx, next) => {
  await next()
  if (ctx.oidc?.route === 'jwks') ctx.body.keys.unshift(other)
})

const form = '<form method="post"><input name="username"><input name="password" type="password"><button>Sign In</button></form>'

async function signIn(request, response) {
  if (request.method !== 'POST') return response.setHeader('Content-Type', 'text/html').end(form)
  const body = new URLSearchParams((await request.toArray()).join(''))
  const known = (user) => user.username === body.get('username') && user.credentials?.[0].value === body.get('password')
  const user = users.find(known)
  if (!user) return response.writeHead(400).end('Invalid username or password.')
  return provider.interactionFinished(request, response, { login: { accountId: user.id } })
}

server.on('request', (request, response) => {
  if (!request.url.startsWith(`${mount}/`)) return response.writeHead(404).end()
  if (request.url.startsWith(`${mount}/login-actions/`)) return signIn(request, response)
  // As a framework does that serves it below a path.
  request.originalUrl = request.url
  request.url = request.url.slice(mount.length)
  return provider.callback()(request, response)
})
process.stdin.on('end', () => process.exit(0)).resume()
console.log(JSON.stringify({ issuer, secrets }))
