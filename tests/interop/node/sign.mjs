// Signs a request with the npm package `http-message-signatures`: reads it as JSON, and prints its headers as JSON.

import { createSigner, httpbis } from "http-message-signatures";
import { readFileSync } from "node:fs";

const { method, url, headers, components, keyid, secret, nonce, created } = JSON.parse(readFileSync(0, "utf8"));
const signed = await httpbis.signMessage(
  {
    key: createSigner(Buffer.from(secret, "base64"), "hmac-sha256", keyid),
    name: "sig",
    fields: components,
    params: ["keyid", "alg", "created", "expires", "nonce"],
    paramValues: { nonce, created: new Date(created * 1000) },
  },
  { method, url, headers },
);
console.log(JSON.stringify(signed.headers));
