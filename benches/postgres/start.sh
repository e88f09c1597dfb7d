# Sourced: starts a PostgreSQL of its own on loopback, with the options in the array `options`, and leaves its `$port`. Its
# user is bench, without a password, its database postgres. What lies below `$directory` is gone afterwards.
# Installs the Debian package where it is missing.
as_root=()
((EUID == 0)) || as_root=(sudo)
bin() { { pg_config --bindir || ls -d /usr/lib/postgresql/*/bin; } 2>/dev/null | tail -n 1; }
if [[ ! -x $(bin)/initdb ]]; then
  "${as_root[@]}" apt-get update
  "${as_root[@]}" env RUNLEVEL=1 apt-get install --yes --no-install-recommends postgresql
fi
bin=$(bin)

# PostgreSQL does not run as root.
directory=$(mktemp -d)
as=()
if ((EUID == 0)); then
  as=(runuser -u postgres --)
  chown postgres "$directory"
fi
server=
stop() {
  [[ -z $server ]] || { kill "$server" && wait "$server"; } || true
  "${as[@]}" "$bin/pg_ctl" --pgdata "$directory/data" --mode immediate --silent stop || true
  rm -rf "$directory"
}
trap stop EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"${as[@]}" "$bin/initdb" --pgdata "$directory/data" --auth trust --username bench --encoding UTF8 --locale C >/dev/null
"${as[@]}" "$bin/pg_ctl" --pgdata "$directory/data" --silent --wait --log "$directory/log" start -o \
  "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories='' ${options[*]}"
"$bin/postgres" --version
