#!/bin/sh
# Connects a Flickr account to FlickrHub and runs a job with it.
#
#     first_job.sh
#
# FLICKRHUB_URL and FLICKRHUB_API_KEY say where FlickrHub is, FLICKR_API_KEY and FLICKR_API_SECRET are those of your
# Flickr app. It needs curl and Python 3, to read JSON.
set -eu

# The value of a member of the JSON on standard input; nothing where it is null.
member() {
    python3 -c 'import json, sys; value = json.load(sys.stdin)["data"][sys.argv[1]]
print(value if isinstance(value, str) else "" if value is None else json.dumps(value))' "$1"
}

# call METHOD PATH [BODY]: FlickrHub's answer. While FlickrHub asks for patience, curl asks again. Others on this machine
# can list arguments, so no key is among them.
call() {
    printf %s "${3:-}" | curl --silent --show-error --fail-with-body --retry 5 --request "$1" "$FLICKRHUB_URL$2" \
        --header @/dev/fd/3 ${3:+--data-binary @-} 3<<HEADERS
content-type: application/json
x-api-key: $FLICKRHUB_API_KEY
HEADERS
}

app="\"api_key\": \"$FLICKR_API_KEY\", \"api_secret\": \"$FLICKR_API_SECRET\""
started=$(call POST /v1/auth/start "{$app, \"perms\": \"read\"}")
echo "Allow the access at $(echo "$started" | member authorize_url)" >&2
echo "and type the code that Flickr shows:" >&2
read -r code

token=$(echo "$started" | member oauth_token)
account=$(call POST /v1/auth/complete "{\"oauth_token\": \"$token\", \"oauth_verifier\": \"$code\"}")
user=$(echo "$account" | member user_id)

job=$(call POST /v1/flickr/rest "{\"method\": \"flickr.test.login\", \"user_id\": \"$user\"}")
path=/v1/flickr/jobs/$(echo "$job" | member job_id)
while job=$(call GET "$path") && [ -z "$(echo "$job" | member finished_at)" ]; do
    sleep 1
done
if [ "$(echo "$job" | member state)" != completed ]; then
    echo "$job" | member error >&2
    exit 1
fi
echo "$job" | member result
