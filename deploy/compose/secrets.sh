#!/bin/sh
# Makes the secrets of compose.yaml in ./secrets, once; those that are there stay. Nothing is printed.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
cd secrets

random() { openssl rand -hex 32; }
make() { # name, text; readable in the container, where it belongs to another user; the folder keeps others out
  [ -e "$1" ] || { printf '%s\n' "$2" >"$1" && chmod 0444 "$1"; }
}

make console-token "$(random)"
make grafana-password "$(random)"
make encryption-key "$(openssl rand -base64 32)"
make postgres-password "$(random)"
make store-url "postgresql://gateway:$(cat postgres-password)@postgres/notifications"
[ -e redis-url ] || make redis-url "redis://gateway:$(random)@valkey:6379/0"
password=$(sed 's,.*://gateway:\([0-9a-f]*\)@.*,\1,' redis-url)
make valkey-users "user default off
user gateway on >$password ~* &* +@all -@admin -@dangerous +info +client"
