// Sends a signed request to FlickrHub and prints the answer. Node.js 24 runs it as it is, 20 once `tsc` has compiled it:
//
//     node signed_request.ts METHOD PATH [BODY]
//
// FLICKRHUB_URL and FLICKRHUB_API_KEY say where FlickrHub is; SIGNING_KEY_ID and SIGNING_SECRET are the `keyid` and the
// `secret` that `flickrhub-admin key sign enable` printed. PATH has no query: each parameter of one would be signed,
// too (docs/api.md).

import { createHash, createHmac, randomUUID } from "node:crypto";

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

/** The headers that sign a request (RFC 9421). */
function signed(method: string, url: string, body: string): Record<string, string> {
  const covered: Record<string, string> = { "@method": method, "@path": new URL(url).pathname };
  const headers: Record<string, string> = {};
  if (body !== "") {
    const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
    covered["content-digest"] = digest;
    headers["content-digest"] = digest;
  }
  const names = Object.keys(covered).map((name) => `"${name}"`).join(" ");
  const created = Math.floor(Date.now() / 1000);
  const keyid = setting("SIGNING_KEY_ID");
  const params = `(${names});created=${created};keyid="${keyid}";nonce="${randomUUID()}";alg="hmac-sha256"`;
  const all = { ...covered, "@signature-params": params };
  const lines = Object.entries(all).map(([name, value]) => `"${name}": ${value}`);
  const secret = Buffer.from(setting("SIGNING_SECRET"), "base64");
  const signature = createHmac("sha256", secret).update(lines.join("\n")).digest("base64");
  return { ...headers, "signature-input": `sig=${params}`, signature: `sig=:${signature}:` };
}

const [method, path, body = ""] = process.argv.slice(2);
if (method === undefined || path === undefined) throw new Error("signed_request.ts METHOD PATH [BODY]");
const url = setting("FLICKRHUB_URL") + path;
const known = { "x-api-key": setting("FLICKRHUB_API_KEY"), "content-type": "application/json" };
const headers = { ...known, ...signed(method, url, body) };
const answer = await fetch(url, { method, headers, body: body === "" ? null : body });
const text = await answer.text();
if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
console.log(text);
