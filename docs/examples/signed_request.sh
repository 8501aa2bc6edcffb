#!/bin/sh
# Sends a signed request to FlickrHub and prints the answer.
#
#     signed_request.sh METHOD PATH [BODY]
#
# FLICKRHUB_URL and FLICKRHUB_API_KEY say where FlickrHub is; SIGNING_KEY_ID and SIGNING_SECRET are the `keyid` and the
# `secret` that `flickrhub-admin key sign enable` printed. PATH has no query: each parameter of one would be signed, too
# (docs/api.md). It needs curl, openssl and Python 3.
set -eu
method=$1 path=$2 body=${3:-}

# What is signed is the path from the host on.
url=$FLICKRHUB_URL$path
signed_path=/${url#*://*/}
created=$(date +%s)
nonce=$(openssl rand -hex 16)
covered='"@method" "@path"'
base=$(printf '"@method": %s\n"@path": %s' "$method" "$signed_path")
if [ -n "$body" ]; then
    digest="sha-256=:$(printf %s "$body" | openssl dgst -sha256 -binary | openssl base64 -A):"
    covered="$covered \"content-digest\""
    base=$(printf '%s\n"content-digest": %s' "$base" "$digest")
fi
input="($covered);created=$created;keyid=\"$SIGNING_KEY_ID\";nonce=\"$nonce\";alg=\"hmac-sha256\""
base=$(printf '%s\n"@signature-params": %s' "$base" "$input")
# Not by `openssl mac`: it takes the secret as an argument, and others on this machine can list those.
signature=$(printf %s "$base" | python3 -c 'import base64, hmac, os, sys
secret = base64.b64decode(os.environ["SIGNING_SECRET"])
print(base64.b64encode(hmac.digest(secret, sys.stdin.buffer.read(), "sha256")).decode())')

printf %s "$body" | curl --silent --show-error --fail-with-body --request "$method" "$url" \
    --header @/dev/fd/3 ${body:+--data-binary @-} 3<<HEADERS
content-type: application/json
x-api-key: $FLICKRHUB_API_KEY
${body:+content-digest: $digest}
signature-input: sig=$input
signature: sig=:$signature:
HEADERS
