# Sourced: a PostgreSQL of one's own on loopback. Its user is watershed, without a password, its database postgres.
# Installs the Debian package where it is missing. It does not run as root, so its files lie in a directory by themselves.
#
#   postgres_make               makes one; $postgres_port and $postgres_url say where it will be
#   postgres_start OPTION...    starts it, and ends when it answers
#   postgres_stop               stops it at once, as a crash would
#   postgres_remove             stops it, and removes its files
#   postgres_query SQL          asks it
postgres_process='' postgres_directory=''

postgres_find() {
  { pg_config --bindir || ls -d /usr/lib/postgresql/*/bin; } 2>/dev/null | tail -n 1
}

postgres_make() {
  local as_root=()
  ((EUID == 0)) || as_root=(sudo)
  if [[ ! -x $(postgres_find)/initdb ]]; then
    "${as_root[@]}" apt-get update
    "${as_root[@]}" env RUNLEVEL=1 apt-get install --yes --no-install-recommends postgresql
  fi
  postgres_bin=$(postgres_find)
  postgres_directory=$(mktemp -d)
  postgres_as=()
  if ((EUID == 0)); then
    postgres_as=(setpriv --reuid=postgres --regid=postgres --clear-groups --)
    chown postgres "$postgres_directory"
  fi
  postgres_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  postgres_url=postgres://watershed@127.0.0.1:$postgres_port/postgres
  (cd / && "${postgres_as[@]}" "$postgres_bin/initdb" --pgdata "$postgres_directory/data" --auth trust --username watershed \
    --encoding UTF8 --locale C) >/dev/null
}

postgres_start() {
  (cd / && exec "${postgres_as[@]}" "$postgres_bin/postgres" -D "$postgres_directory/data" -c listen_addresses=127.0.0.1 \
    -c "port=$postgres_port" -c unix_socket_directories= "$@") >>"$postgres_directory/log" 2>&1 &
  postgres_process=$!
  until "$postgres_bin/pg_isready" --quiet --host 127.0.0.1 --port "$postgres_port"; do
    kill -0 "$postgres_process" || { cat "$postgres_directory/log" >&2; return 1; }
    sleep 0.1 # between two looks
  done
}

postgres_stop() {
  [[ -z $postgres_process ]] || { kill -QUIT "$postgres_process" && wait "$postgres_process"; } 2>/dev/null || true
  postgres_process=
}

postgres_remove() {
  postgres_stop
  [[ -z $postgres_directory ]] || rm -rf "$postgres_directory"
}

postgres_query() {
  "$postgres_bin/psql" --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 --command "$1" "$postgres_url"
}
