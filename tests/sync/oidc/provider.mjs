// An OAuth2 provider (oidc-provider, unmodified) with an API behind it: node provider.mjs TTL_SECONDS PORT
// Prints its address when it listens. GET /items needs an access token; pages are numbered, the next one is in a Link
// header. /items?drop=N forgets the token with which page N was asked for right after that page. GET /seen tells how
// often each kind of token request came, which tokens the API took, and for which audiences. The client "registered" may
// come back to PORT only.
import Provider from 'oidc-provider';

const [ttl, port] = process.argv.slice(2).map(Number);
const RECORDS = Array.from({ length: 23 }, (_, n) => ({ id: n + 1, name: `n${n + 1}` }));
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const seen = { grants: [], granted: 0, refused: 0, tokens: [], audiences: [] };
const plain = { redirect_uris: [], response_types: [] };
const secret = 'a secret: with % and + & more';

const server = (await import('node:http')).createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const base = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(base, {
  clients: [
    { client_id: 'machine', client_secret: secret, grant_types: ['client_credentials'], ...plain },
    {
      client_id: 'machine-post',
      client_secret: secret,
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'client_secret_post',
      ...plain,
    },
    {
      client_id: 'desktop',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: ['http://127.0.0.1/signed-in'],
    },
    {
      client_id: 'registered',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [`http://127.0.0.1:${port}/signed-in`],
    },
    {
      client_id: 'device',
      token_endpoint_auth_method: 'none',
      grant_types: [DEVICE, 'refresh_token'],
      ...plain,
    },
  ],
  cookies: { keys: ['test'] },
  scopes: ['openid', 'items:read'],
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (ctx, resource) => ({ scope: 'items:read', audience: resource, accessTokenFormat: 'opaque' }),
    },
    revocation: { enabled: true },
  },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  pkce: { required: () => true },
  ttl: { AccessToken: ttl, ClientCredentials: ttl, RefreshToken: 3600, DeviceCode: 600, Session: 3600, Grant: 3600 },
});

provider.use(async (ctx, next) => {
  if (ctx.path === '/token') {
    await next();
    seen.grants.push(`${ctx.oidc?.params?.grant_type} ${ctx.status}`);
  } else if (ctx.path === '/seen') {
    ctx.body = seen;
  } else if (ctx.path === '/items') {
    await items(ctx);
  } else {
    await next();
  }
});

async function items(ctx) {
  const text = (ctx.get('Authorization').match(/^Bearer (.+)$/) ?? [])[1];
  const token = text && ((await provider.AccessToken.find(text)) ?? (await provider.ClientCredentials.find(text)));
  if (!token?.isValid) {
    seen.refused += 1;
    ctx.status = 401;
    ctx.set('WWW-Authenticate', 'Bearer error="invalid_token"');
    ctx.body = { error: 'invalid_token', error_description: 'expired, or never given' };
    return;
  }
  seen.granted += 1;
  if (!seen.tokens.includes(text)) {
    seen.tokens.push(text);
    seen.audiences.push(token.aud ?? null);
  }
  const page = Number(ctx.query.page ?? 1);
  const rest = ctx.query.drop ? `&drop=${ctx.query.drop}` : '';
  ctx.body = RECORDS.slice((page - 1) * 10, page * 10);
  if (page * 10 < RECORDS.length) ctx.set('Link', `<${base}/items?page=${page + 1}${rest}>; rel="next"`);
  if (String(page) === ctx.query.drop) await token.destroy();
}

server.on('request', provider.callback());
console.log(base);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0)); // with the test that started it
