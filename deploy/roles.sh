#!/bin/sh
# Run once by the database's image on an empty volume: a plain role that owns Signoff's database and nothing else.
set -eu
psql --username postgres --set=ON_ERROR_STOP=1 --set=password="$SIGNOFF_PASSWORD" <<'SQL'
create role signoff login password :'password';
create database signoff owner signoff;
SQL
