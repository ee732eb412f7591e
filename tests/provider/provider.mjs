// A certified OpenID Connect provider with one client, for the tests of signing in.
// Whoever types a login is that account: ines is ines@northwind.example, in the groups of GROUPS.

import { createServer } from "node:http";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { Provider } from "oidc-provider";

const { REDIRECT_URI, SIGNED_OUT_URI, GROUPS = "", CLIENT_SECRET, AUTH_METHOD, ALGORITHM } = process.env;
const KINDS = { RS256: ["rsa", { modulusLength: 2048 }], ES256: ["ec", { namedCurve: "P-256" }], EdDSA: ["ed25519", {}] };
const key = generateKeyPairSync(...KINDS[ALGORITHM]).privateKey.export({ format: "jwk" });

async function findAccount(_, sub) {
  const claims = { sub, name: `${sub} of the provider`, email: `${sub}@northwind.example`, email_verified: sub !== "unverified" };
  return { accountId: sub, claims: async () => ({ ...claims, groups: GROUPS.split(",").filter(Boolean) }) };
}

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "signoff",
        client_secret: CLIENT_SECRET,
        redirect_uris: [REDIRECT_URI],
        post_logout_redirect_uris: [SIGNED_OUT_URI],
        token_endpoint_auth_method: AUTH_METHOD,
        id_token_signed_response_alg: ALGORITHM,
      },
    ],
    clientAuthMethods: [AUTH_METHOD],
    jwks: { keys: [{ ...key, use: "sig", kid: "of-the-test" }] },
    cookies: { keys: [randomBytes(16).toString("hex")] },
    claims: { email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
    scopes: ["openid", "email", "profile", "groups"],
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    pkce: { required: () => true },
    findAccount,
  });
  server.on("request", provider.callback());
  process.stdout.write(`${issuer}\n`);
});
