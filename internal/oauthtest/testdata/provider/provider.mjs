// Runs an OAuth server over HTTPS on loopback. Its configuration is the first line of the standard input, in JSON; each
// further line is a command, answered by a line on the standard output. It ends with its input.
import { randomInt } from 'node:crypto';
import { createInterface } from 'node:readline';
import * as https from 'node:https';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

console.info = console.error; // what the provider tells is no answer

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const config = JSON.parse((await lines.next()).value);

let handle; // of the provider as it is now
const asked = {}; // how often, by path
let server;
let port;

function serve(onPort) {
  return new Promise((resolve, reject) => {
    server = https.createServer({ key: config.key, cert: config.cert, requestCert: true, rejectUnauthorized: false, ca: config.cert }, (req, res) => {
      const path = req.url.split('?')[0];
      asked[path] = (asked[path] ?? 0) + 1;
      handle(req, res);
    });
    server.once('error', reject);
    server.listen(onPort, '127.0.0.1', resolve);
  });
}

// Ports of the range that systems give to outgoing connections could be taken while the server is down.
for (let tries = 0; port === undefined; tries++) {
  const next = randomInt(10240, 32768);
  try {
    await serve(next);
    port = next;
  } catch (err) {
    if (tries === 100) throw err;
  }
}
const issuer = `https://localhost:${port}`;

async function pair(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig' };
}

// What tokens look like is told by the resource that they are for.
const formats = new Map([
  ['ES256', 'jwt'], ['RS256', 'jwt'], ['PS256', 'jwt'], ['EdDSA', 'jwt'], ['opaque', 'opaque'],
]);

function resourceServer(ctx, indicator) {
  const wanted = new URL(indicator).searchParams.get('token') ?? 'ES256';
  const format = formats.get(wanted);
  return {
    scope: config.scope,
    audience: indicator,
    accessTokenTTL: config.ttl,
    accessTokenFormat: format,
    ...(format === 'jwt' && { jwt: { sign: { alg: wanted } } }),
  };
}

// Adapter keeps what the provider issues for as long as the program runs, over new keys too.
const stored = new Map();
class Adapter {
  constructor(model) { this.model = model; }

  key(id) { return `${this.model}:${id}`; }

  async upsert(id, payload) { stored.set(this.key(id), payload); }

  async find(id) { return stored.get(this.key(id)); }

  async findByUid(uid) { // of a session, from a sign-in that belongs to it
    for (const [key, payload] of stored) {
      if (key.startsWith(`${this.model}:`) && payload.uid === uid) return payload;
    }
    return undefined;
  }

  async consume(id) { stored.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }

  async destroy(id) { stored.delete(this.key(id)); }

  async revokeByGrantId() {} // no grant here has more than one token
}

// The public halves of keys that sign no more: tokens signed with them are still good.
let keys = [];

async function rotate(keep) {
  const fresh = await Promise.all(['RS256', 'ES256', 'PS256', 'EdDSA'].map(pair));
  keys = keep ? [...fresh, ...keys] : fresh;
  const provider = new Provider(issuer, {
    adapter: Adapter,
    clients: config.clients.map((client) => ({
      grant_types: ['client_credentials'], redirect_uris: [], response_types: [], scope: config.scope, ...client,
    })),
    jwks: { keys },
    scopes: config.scope.split(' '),
    ttl: { ClientCredentials: config.ttl },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth', 'none'],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: config.signIn }, // pages that take anybody's word for who they are
      dPoP: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        selfSignedTlsClientAuth: true,
        tlsClientAuth: true,
        getCertificate: (ctx) => ctx.socket.getPeerX509Certificate(),
        certificateAuthorized: (ctx) => ctx.socket.authorized,
        certificateSubjectMatches: (ctx, property, expected) => property === 'tls_client_auth_san_dns'
          && (ctx.socket.getPeerX509Certificate()?.subjectAltName ?? '').split(', ').includes(`DNS:${expected}`),
      },
    },
  });
  handle = provider.callback();
}

const commands = {
  async rotate({ keep }) { await rotate(keep); return {}; },
  async stop() {
    await new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); });
    return {};
  },
  async start() { await serve(port); return {}; },
  async asked({ path }) { return { times: asked[path] ?? 0 }; },
};

await rotate(false);
console.log(JSON.stringify({ issuer }));
for await (const line of lines) {
  const command = JSON.parse(line);
  try {
    console.log(JSON.stringify(await commands[command.do](command)));
  } catch (err) {
    console.log(JSON.stringify({ error: String(err) }));
  }
}
process.exit(0);
