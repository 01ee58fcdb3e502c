#!/usr/bin/env bash
# PostgreSQL, Redis and MariaDB for tests, on loopback, from Debian's packages.
#
#   eval "$(scripts/services.sh)"     start what is missing and take over the addresses
#   scripts/services.sh               the same, and look at them
#
# What DATABASE_URL, REDIS_URL and MARIADB_URL name is used if it answers. Otherwise a server of our
# own is started there if that is on this machine, or on the next free port. The databases hold
# tests only: whoever is on this machine may use them without a password. Nothing is changed in
# clusters that exist already. Doing it again changes nothing.
#
# Standard output has the addresses and nothing else; what is done goes to standard error.
set -euo pipefail

PG_CLUSTER=cart_recovery
DATABASE_URL=${DATABASE_URL:-postgres://postgres@127.0.0.1:5432/cart_recovery}
REDIS_URL=${REDIS_URL:-redis://127.0.0.1:6379/0}
MARIADB_URL=${MARIADB_URL:-mysql://cart_recovery:cart_recovery@127.0.0.1:3306/cart_recovery}
# a DATABASE_URL that means MariaDB leaves PostgreSQL at its usual place
case $DATABASE_URL in
mysql:* | mariadb:*) MARIADB_URL=$DATABASE_URL POSTGRES_URL=postgres://postgres@127.0.0.1:5432/cart_recovery ;;
postgres:* | postgresql:*) POSTGRES_URL=$DATABASE_URL ;;
*) POSTGRES_URL=postgres://postgres@127.0.0.1:5432/cart_recovery ;;
esac

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "services: $*"
  exit 1
}

# part <url> host|port|user|password|name, the last argument being the default
part() {
  python3 - "$@" <<'PYTHON'
import sys
from urllib.parse import unquote, urlsplit

url = urlsplit(sys.argv[1])
found = {
    "host": url.hostname, "port": url.port, "user": url.username, "password": url.password,
    "name": url.path.strip("/"),
}[sys.argv[2]]
print(unquote(str(found or sys.argv[3])))
PYTHON
}

is_local() { case $1 in 127.* | localhost | ::1) true ;; *) false ;; esac }

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# the port itself if nobody listens there, else the next one that is free
free_port() {
  local port=$1
  while port_taken "$port"; do port=$((port + 1)); done
  printf '%s' "$port"
}

# wait_for <what> <command …>: until it succeeds, half a minute at the most
wait_for() {
  local what=$1 _
  shift
  for _ in $(seq 60); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.5
  done
  fail "$what was started but does not answer"
}

need_root() {
  [ "$(id -u)" -eq 0 ] && return 0
  fail "$1 has to be installed or started, which takes root: run it as root (sudo -E make services), or start a server yourself and name it in $2"
}

# need_package <package> <program>: install it if the program is not there
need_package() {
  command -v "$2" >/dev/null 2>&1 && return 0
  [ -x "/usr/sbin/$2" ] && return 0
  command -v apt-get >/dev/null 2>&1 || fail "$1 is missing and this is no Debian: install it by hand"
  say "Installing $1 …"
  DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >&2
}

# --- PostgreSQL -----------------------------------------------------------------------------------

# pg <url> <database> <statement>
pg() {
  PGCONNECT_TIMEOUT=3 PGPASSWORD=$(part "$1" password "") psql -w -X -q -t -A \
    -h "$(part "$1" host 127.0.0.1)" -p "$(part "$1" port 5432)" -U "$(part "$1" user postgres)" \
    -d "$2" -c "$3" 2>/dev/null
}
pg_answers() { command -v psql >/dev/null 2>&1 && { pg "$1" postgres "SELECT 1" || pg "$1" "$(part "$1" name postgres)" "SELECT 1"; } >/dev/null; }

start_postgres() {
  need_root PostgreSQL DATABASE_URL
  need_package postgresql pg_createcluster
  local version port user name
  version=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | tail -n 1)
  user=$(part "$1" user postgres) name=$(part "$1" name cart_recovery)
  if ! pg_lsclusters -h | awk '{print $1, $2}' | grep -qx "$version $PG_CLUSTER"; then
    port=5432
    is_local "$(part "$1" host 127.0.0.1)" && port=$(part "$1" port 5432)
    port=$(free_port "$port")
    say "Making a PostgreSQL $version cluster on port $port …"
    pg_createcluster "$version" "$PG_CLUSTER" --port "$port" --start-conf manual \
      -- --auth-host=trust --auth-local=trust >&2
  fi
  port=$(pg_lsclusters -h | awk -v c="$PG_CLUSTER" -v v="$version" '$1 == v && $2 == c {print $3}')
  if ! pg_lsclusters -h | awk -v c="$PG_CLUSTER" '$2 == c {print $4}' | grep -q online; then
    say "Starting PostgreSQL on port $port …"
    pg_ctlcluster --skip-systemctl-redirect "$version" "$PG_CLUSTER" start >&2
  fi
  local admin=postgres://postgres@127.0.0.1:$port/postgres
  wait_for PostgreSQL pg "$admin" postgres "SELECT 1"
  [ -n "$(pg "$admin" postgres "SELECT 1 FROM pg_roles WHERE rolname = '$user'")" ] ||
    pg "$admin" postgres "CREATE ROLE \"$user\" LOGIN SUPERUSER" >&2
  POSTGRES_URL=postgres://$user@127.0.0.1:$port/$name
}

ensure_postgres() {
  pg_answers "$POSTGRES_URL" || start_postgres "$POSTGRES_URL"
  local name
  name=$(part "$POSTGRES_URL" name postgres)
  pg "$POSTGRES_URL" "$name" "SELECT 1" >/dev/null ||
    pg "$POSTGRES_URL" postgres "CREATE DATABASE \"$name\"" >&2 ||
    fail "the database $name does not exist and may not be created"
}

# --- Redis ----------------------------------------------------------------------------------------

redis_answers() { command -v redis-cli >/dev/null 2>&1 && [ "$(timeout 3 redis-cli -u "$1" ping 2>/dev/null)" = PONG ]; }

start_redis() {
  command -v redis-server >/dev/null 2>&1 || need_root Redis REDIS_URL
  need_package redis-server redis-server
  local port=6379
  is_local "$(part "$1" host 127.0.0.1)" && port=$(part "$1" port 6379)
  port=$(free_port "$port")
  say "Starting Redis on port $port …"
  redis-server --bind 127.0.0.1 --port "$port" --daemonize yes --save "" --appendonly no --dir /tmp >&2
  REDIS_URL=redis://127.0.0.1:$port/$(part "$1" name 0)
  wait_for Redis redis_answers "$REDIS_URL"
}

ensure_redis() { redis_answers "$REDIS_URL" || start_redis "$REDIS_URL"; }

# --- MariaDB --------------------------------------------------------------------------------------

mariadb_answers() {
  command -v mariadb >/dev/null 2>&1 &&
    MYSQL_PWD=$(part "$1" password "") mariadb --connect-timeout=3 --protocol=tcp \
      -h "$(part "$1" host 127.0.0.1)" -P "$(part "$1" port 3306)" -u "$(part "$1" user root)" \
      -e "SELECT 1" "$(part "$1" name mysql)" >/dev/null 2>&1
}
mariadb_as_root() { mariadb --connect-timeout=3 --protocol=socket -e "$1"; }

start_mariadb() {
  need_root MariaDB MARIADB_URL
  need_package mariadb-server mariadbd
  local port=3306 user password name host
  user=$(part "$1" user cart_recovery) password=$(part "$1" password "") name=$(part "$1" name cart_recovery)
  if ! mariadb_as_root "SELECT 1" >/dev/null 2>&1; then
    is_local "$(part "$1" host 127.0.0.1)" && port=$(part "$1" port 3306)
    port=$(free_port "$port")
    say "Starting MariaDB on port $port …"
    install -d -o mysql -g mysql /run/mysqld
    [ -d /var/lib/mysql/mysql ] || mariadb-install-db --user=mysql --datadir=/var/lib/mysql >&2
    start-stop-daemon --start --background --chuid mysql --exec /usr/sbin/mariadbd -- \
      --bind-address=127.0.0.1 --port="$port"
    wait_for MariaDB mariadb_as_root "SELECT 1"
  fi
  port=$(mariadb --protocol=socket -N -B -e "SELECT @@port")
  # TCP from this machine shows as localhost where names are resolved, else as 127.0.0.1
  for host in localhost 127.0.0.1; do
    mariadb_as_root "CREATE USER IF NOT EXISTS '$user'@'$host' IDENTIFIED BY '$password';
      GRANT ALL PRIVILEGES ON *.* TO '$user'@'$host'"
  done
  mariadb_as_root "CREATE DATABASE IF NOT EXISTS \`$name\` CHARACTER SET utf8mb4"
  MARIADB_URL=mysql://$user${password:+:$password}@127.0.0.1:$port/$name
  wait_for MariaDB mariadb_answers "$MARIADB_URL"
}

ensure_mariadb() { mariadb_answers "$MARIADB_URL" || start_mariadb "$MARIADB_URL"; }

ensure_postgres
ensure_redis
ensure_mariadb
case $DATABASE_URL in
mysql:* | mariadb:*) DATABASE_URL=$MARIADB_URL ;;
*) DATABASE_URL=$POSTGRES_URL ;;
esac
printf "export DATABASE_URL='%s'\nexport REDIS_URL='%s'\nexport MARIADB_URL='%s'\n" \
  "$DATABASE_URL" "$REDIS_URL" "$MARIADB_URL"
