#!/bin/sh
# Asks Andon over HTTP whether a service's release may go on: exit 0 pass, 1 fail, 3 unknown.
#
#   ANDON_URL=https://andon.example.com ANDON_TOKEN=... andon-gate.sh SERVICE
#
# With ANDON_WAIT (seconds, 0) it asks again every ANDON_EVERY seconds (30) while the answer is unknown, as it is while a
# canary still collects. Whatever is no clear answer is unknown; nothing but the word "pass" opens the way.
# Needs curl and jq. A viewer's token is enough.
set -u

service=${1:?usage: andon-gate.sh SERVICE}
: "${ANDON_URL:?the address of Andon, such as https://andon.example.com}"
: "${ANDON_TOKEN:?the secret of an API token}"
wait=${ANDON_WAIT:-0}
every=${ANDON_EVERY:-30}

case $service in
  *[!A-Za-z0-9._-]*) echo "andon-gate: $service is not the name of a service" >&2; exit 2 ;;
esac

ask() {
  # The token goes in by standard input, so that it shows in no list of processes.
  printf 'header = "Authorization: Bearer %s"\n' "$ANDON_TOKEN" |
    curl --silent --show-error --fail --max-time 60 --config - --write-out '\n%{http_code}' \
      "$ANDON_URL/api/v1/services/$service/gate"
}

began=$(date +%s)
while :; do
  verdict=unknown
  # The last line is the status. --fail refuses 400 and above; a redirect is no answer either.
  if answer=$(ask) && [ "$(printf '%s\n' "$answer" | tail -n 1)" = 200 ]; then
    answer=$(printf '%s\n' "$answer" | sed '$d')
    printf '%s\n' "$answer"
    verdict=$(printf '%s' "$answer" | jq --raw-output 'if type == "object" then .verdict else null end' 2>/dev/null)
  fi
  case $verdict in
    pass) exit 0 ;;
    fail) echo "andon-gate: a gate of $service fails" >&2; exit 1 ;;
  esac
  if [ $(($(date +%s) - began)) -ge "$wait" ]; then
    echo "andon-gate: it is not known whether $service may go on" >&2
    exit 3
  fi
  sleep "$every"
done
