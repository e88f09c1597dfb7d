# Sourced by the shells of tests/runbook.py: the server that each begins with, and what goes wrong in them.
set -uo pipefail
export WATERSHED_API_KEY=
DATA=$WORK/disk/data
server=
eval "$ASK"
# shellcheck source=tests/postgres.sh
source "$REPOSITORY/tests/postgres.sh"
finish() {
  [[ -z $server ]] || { kill -KILL "$server" && wait "$server"; } 2>/dev/null
  postgres_remove
}
trap finish EXIT

logs() { cat "$WORK/log"; }

# start [ARGUMENTS...]: 0 when it is ready, else what it ended with, and its last line.
start() {
  watershed serve --data-dir "$DATA" "$@" 2>>"$WORK/log" >/dev/null &
  server=$!
  until curl --silent --fail --output /dev/null "$WATERSHED_URL/api/v1/health/ready"; do
    if ! kill -0 "$server" 2>/dev/null; then
      local code=0
      wait "$server" || code=$?
      server=
      tail -n 1 "$WORK/log"
      return "$code"
    fi
    sleep 0.1 # between two looks; the shell is killed when it takes too long
  done
}

stop() {
  kill -TERM "$server" && wait "$server" && server=
}

crash() {
  kill -KILL "$server"
  wait "$server" 2>/dev/null
  server=
}

# begin: a server with the sample, and the key of an operator.
begin() {
  WATERSHED_API_KEY=$(watershed api-keys create operator --role admin --data-dir "$DATA" --format json | jq -r .key)
  start --sample platform
}

change_the_graph() {
  cp watershed.digest "$WORK/digest.before"
  watershed register written-after-the-backup --team operations >/dev/null &&
    [[ $(ask graph/stats | jq -r .digest) != "$(cat watershed.digest)" ]]
}

same_digest_as_before() {
  [[ $(ask graph/stats | jq -r .digest) == "$(cat "$WORK/digest.before")" ]]
}

# Nobody has the old program: a process stands in for it, and says what it said.
server_of_an_old_version() {
  stop
  rm -r "$DATA"
  cp -r "$REPOSITORY/snapshots/v2/data" "$DATA"
  WATERSHED_API_KEY=$(watershed api-keys create operator --role admin --data-dir "$DATA" --format json | jq -r .key)
  sleep 600 &
  server=$!
  ask() { jq '[.. | objects | select(has("digest"))][0]' "$REPOSITORY/snapshots/v2/expected.json"; }
  stop() {
    crash
    eval "$ASK"
  }
}

# On a small disk of its own, with a core dump that takes the rest of it; then writes, until one is refused.
fill_the_disk() {
  stop
  mount -t tmpfs -o size=16m,mode=0700 tmpfs "$WORK/disk" || return
  export WAL_SEGMENT_BYTES=1048576 SNAPSHOT_RETAIN=2
  begin || return
  local text status
  text=$(head -c 15000 /dev/zero | tr '\0' x)
  for _ in $(seq 200); do
    dd if=/dev/zero bs=4096 of="$WORK/disk/core.4711" oflag=append conv=notrunc status=none 2>/dev/null
    status=$(curl --silent --output /dev/null --write-out '%{http_code}' --request PUT --oauth2-bearer "$WATERSHED_API_KEY" \
      --json "{\"metadata\":{\"text\":\"$text\"}}" "$WATERSHED_URL/api/v1/services/bulky")
    [[ $status == 507 ]] && return
    [[ $status == 20? ]] || { echo "a write was answered with $status"; return 1; }
  done
  echo "the disk does not fill up"
  return 1
}

# The sample is lsn 1, so a flipped bit in svc-3 is in lsn 4, with two more behind it.
damage_the_log() {
  local number
  for number in 1 2 3 4 5; do
    watershed register "svc-$number" --team operations >/dev/null || return
  done
  crash
  python3 - "$DATA" <<'PYTHON'
import glob
import sys

for path in glob.glob(sys.argv[1] + "/wal-0*"):
    with open(path, "r+b") as file:
        place = file.read().find(b"svc-3")
        assert place > 0, path
        file.seek(place)
        file.write(b"S")
PYTHON
}

the_first_services_are_there() {
  local started='' there
  [[ -n $server ]] || { start && started=yes; } || return
  there=$(ask 'services?q=svc-' | jq -r '.items[].service_id' | paste -sd ' ')
  [[ $there == "svc-1 svc-2" ]] || { echo "there are: $there"; return 1; }
  [[ -z $started ]] || stop
}

damage_the_manifest() {
  [[ -z $server ]] || stop
  echo "this is no manifest" >"$DATA/manifest"
}

lose_the_key() {
  LOST=$WATERSHED_API_KEY
  WATERSHED_API_KEY=ws_nobody_knows_it
}

the_lost_key_is_refused() {
  [[ $(WATERSHED_API_KEY=$LOST ask services 2>&1) == *401 ]]
}

mkdir "$WORK/disk"
begin || exit 98

# It has exported once; then the database goes, and a write comes.
stop_the_database() {
  postgres_make && postgres_start || return
  stop
  export DATABASE_URL=$postgres_url EXPORT_INTERVAL_SECONDS=0
  start && watershed export postgres && postgres_stop && watershed register ledger --team payments
}

start_the_database() {
  postgres_start
}

the_database_has_what_was_written() {
  [[ $(postgres_query "SELECT team FROM watershed.services WHERE service_id = 'ledger'") == payments ]]
}
