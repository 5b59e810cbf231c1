#!/bin/sh
# Makes the folder of secrets for compose.yaml: two keys, the database's password, and Segment's two secrets, which it asks
# for.
#
#   sh new-secrets.sh FOLDER                your workspace
#   sh new-secrets.sh FOLDER --rehearsal    segment-mock: nothing is asked
set -eu

usage="usage: sh new-secrets.sh FOLDER [--rehearsal]"
folder="${1:?"$usage"}"
case "${2:-}" in '' | --rehearsal) ;; *) printf '%s\n' "$usage" >&2; exit 2 ;; esac

put() { printf '%s\n' "$2" >"$folder/$1"; }

random() { head -c 32 /dev/urandom; }

# Not echoed, where it is typed.
ask() {
    printf '%s: ' "$2" >&2
    if [ -t 0 ]; then
        trap 'stty echo' EXIT
        trap 'exit 130' INT TERM
        stty -echo
    fi
    answer=
    IFS= read -r answer || true
    if [ -t 0 ]; then
        stty echo
        trap - EXIT INT TERM
        printf '\n' >&2
    fi
    [ -n "$answer" ] || printf 'it is empty: write it into %s before you start\n' "$folder/$1" >&2
    put "$1" "$answer"
}

# A folder that is there may hold the only key to somebody's records: this fails, and changes nothing.
mkdir -m 700 -- "$folder"

put encryption-key "$(random | base64)"
put evidence-key "$(random | base64)"
password="$(random | od -An -v -tx1 | tr -d ' \n')"
put postgres-password "$password"
put database-url "postgres://segment_privacy:$password@postgres/segment_privacy"
if [ "${2:-}" = --rehearsal ]; then
    put segment-access-token mock-public-token
    put segment-access-secret mock-space-secret
else
    ask segment-access-token 'Public API token (Settings > Workspace settings > Access Management > Tokens)'
    ask segment-access-secret 'Profile API secret (Unify > Unify settings > API access)'
fi
# Compose mounts each file by itself, with the owner that it has here, and the user in the container is another one. So all
# may read the files; on this machine nobody but you comes through the folder.
chmod 444 "$folder"/*

printf 'made %s. Keep a copy of encryption-key and evidence-key elsewhere: without the first the records cannot be read\n' \
    "$folder" >&2
