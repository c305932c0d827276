import type { Statement } from './postgres-connection.ts'
import { quoteTable, type TableName } from './postgres-statements.ts'
import { sha256Hex } from './sha256.ts'

/**
 * Writes the migration down: one statement, so that it needs no transaction of the caller's and works through
 * any pooler. Either all of it happens or nothing, and where all is in place it takes no lock, needs no
 * privilege on the schema and changes nothing.
 *
 * A table of the system's first version, with only the first five columns, is brought up to date, whatever
 * types it has them in. Its sessions are kept as they can be: listed under their users, to be revoked, and
 * ending when they would have ended; as they have no secret, no token opens them. Times without a time zone
 * are taken for UTC. A session without an end is taken for ended; one that never ends ends in the year 9999.
 */
export function createMigration(name: TableName): Statement {
  const table = quoteTable(name)
  const { byUser, byHour } = indexNames(name.table)
  const isDone = isDoneSql(name)
  const text = `
do $coatcheck$
begin
  if ${isDone} then return; end if;
  perform pg_advisory_xact_lock(hashtextextended('coatcheck migrate', 0));
  if ${isDone} then return; end if;

  if to_regnamespace('"${name.schema}"') is null then create schema "${name.schema}"; end if;
  if to_regclass('${table}') is null then${createTable(table)}
  else
    -- Before all else: an older version may be serving, and a lock that grows stronger would deadlock with it.
    lock table ${table} in access exclusive mode;
    if not exists (select from pg_attribute where attrelid = to_regclass('${table}') and attname = 'absolute_end') then${mendFirstVersion(name)}
    end if;
  end if;
${addColumns(table)}

  create index if not exists "${byUser}" on ${table} (user_id) where user_id <> '';
  create index if not exists "${byHour}" on ${table} (cleanup_hour);
  if not ${isDone} then
    raise exception 'an index of % cannot be named as it is to be: the name is in use', '${table}';
  end if;
end
$coatcheck$`
  return { name: undefined, text }
}

/** The columns that the system began with. */
function createTable(table: string): string {
  return `
    create table ${table} (
      -- UUID v4, canonical lower-case form. Names the session for its whole life; never a credential.
      id text primary key,
      -- Who is signed in; empty for nobody.
      user_id text not null default '',
      -- What the application put in, one JSON object.
      values jsonb not null default '{}',
      created_at timestamptz not null default now(),
      -- The earlier of the idle and the absolute end. Live at every instant before it. Each touch moves it: an
      -- index on it would end heap-only updates (measured: 0 % against 92 %, and twice the write-ahead log).
      expires_at timestamptz not null
    );`
}

/** Those that came since. */
function addColumns(table: string): string {
  return `
  alter table ${table}
    -- When the user signed in; null for nobody.
    add column if not exists signed_in_at timestamptz,
    -- When the secret was last replaced; at first, when the record was created.
    add column if not exists renewed_at timestamptz,
    -- When the session was last used, as of its last touch.
    add column if not exists last_seen_at timestamptz,
    -- Ends the session, however busy it is. Moved by a sign-in only.
    add column if not exists absolute_end timestamptz,
    -- 1 at creation, 1 more at each save.
    add column if not exists version int4 not null default 1,
    -- Whether the cookie outlives the browser.
    add column if not exists persistent bool not null default false,
    -- Seconds without use after which the session ends.
    add column if not exists idle_timeout numeric,
    -- SHA-256 of the secret. Empty: no token opens this session.
    add column if not exists secret_hash bytea not null default '',
    -- The client's address and User-Agent header at sign-in.
    add column if not exists address text,
    add column if not exists user_agent text;
  update ${table} set
    signed_in_at = case when user_id <> '' then created_at end,
    renewed_at = created_at,
    last_seen_at = created_at,
    absolute_end = expires_at,
    idle_timeout = greatest(1, round(date_part('epoch', expires_at - created_at)))
  where absolute_end is null;
  alter table ${table}
    -- The defaults are for an older version that goes on serving: what it inserts ends by expires_at alone.
    alter column renewed_at set default now(), alter column renewed_at set not null,
    alter column last_seen_at set default now(), alter column last_seen_at set not null,
    alter column absolute_end set default '9999-12-31 00:00:00+00', alter column absolute_end set not null,
    alter column idle_timeout set default 1, alter column idle_timeout set not null,
    -- The hour in which the session ends, in UTC, for the cleanup to find it by: within the hour a touch does
    -- not change it, and so stays a heap-only update.
    add column if not exists cleanup_hour timestamp
      generated always as (date_trunc('hour', expires_at at time zone 'UTC')) stored,
    -- Room on each page for the next version of its rows, or there are no heap-only updates.
    set (fillfactor = 90);`
}

const COLUMNS =
  'id,user_id,values,created_at,expires_at,signed_in_at,renewed_at,last_seen_at,absolute_end,version,persistent,' +
  'idle_timeout,secret_hash,address,user_agent,cleanup_hour'

/** Columns that are never null and that the first version does not write: they have defaults for it. */
const NEW_TO_OLDER_VERSIONS =
  'renewed_at,last_seen_at,absolute_end,version,persistent,idle_timeout,secret_hash'

function isDoneSql(name: TableName): string {
  const table = `to_regclass('${quoteTable(name)}')`
  const { byUser, byHour } = indexNames(name.table)
  return `(
    (select count(*) from pg_attribute
      where attrelid = ${table} and attname = any('{${COLUMNS}}'::name[]) and not attisdropped) = ${COLUMNS.split(',').length}
    and (select count(*) from pg_attribute
      where attrelid = ${table} and attname = any('{${NEW_TO_OLDER_VERSIONS}}'::name[]) and atthasdef) = ${NEW_TO_OLDER_VERSIONS.split(',').length}
    and (select count(*) from pg_index join pg_class on pg_class.oid = indexrelid
      where indrelid = ${table} and relname in ('${byUser}', '${byHour}')) = 2
  )`
}

/** PostgreSQL cuts names at 63 bytes, and two that are cut alike are one. */
function indexNames(table: string): { readonly byUser: string; readonly byHour: string } {
  const digest = sha256Hex(table).slice(0, 8)
  const stem = table.length <= 45 ? table : `${table.slice(0, 36)}_${digest}`
  return { byUser: `${stem}_user_id_idx`, byHour: `${stem}_cleanup_hour_idx` }
}

/** The five columns, whatever they were, as they are to be. */
function mendFirstVersion(name: TableName): string {
  const table = quoteTable(name)
  const typeOf = (column: string) =>
    `(select format_type(atttypid, null) from pg_attribute where attrelid = to_regclass('${table}') and attname = '${column}')`
  const toText = (column: string) => `
    if ${typeOf(column)} <> 'text' then
      alter table ${table} alter column ${column} drop default, alter column ${column} type text using ${column}::text;
    end if;`
  const toInstant = (column: string) => `
    if ${typeOf(column)} = 'timestamp without time zone' then
      alter table ${table} alter column ${column} drop default,
        alter column ${column} type timestamptz using ${column} at time zone 'UTC';
    end if;`
  return `${toText('id')}${toText('user_id')}${toInstant('created_at')}${toInstant('expires_at')}
    if ${typeOf('values')} <> 'jsonb' then
      alter table ${table} alter column values drop default, alter column values type jsonb using values::text::jsonb;
    end if;
    update ${table} set
      user_id = coalesce(user_id, ''),
      values = coalesce(values, '{}'),
      created_at = date_trunc('milliseconds', greatest('epoch', least(created_at, expires_at, now()))),
      expires_at = date_trunc('milliseconds', greatest('epoch', least(coalesce(expires_at, now()), '9999-12-31 00:00:00+00')));
    alter table ${table}
      alter column user_id set default '', alter column user_id set not null,
      alter column values set default '{}', alter column values set not null,
      alter column created_at set default now(), alter column created_at set not null,
      alter column expires_at drop default, alter column expires_at set not null;
    if not exists (
      select from pg_index where indrelid = to_regclass('${table}') and indisunique and indpred is null
        and indnkeyatts = 1 and indkey[0] = (
          select attnum from pg_attribute where attrelid = to_regclass('${table}') and attname = 'id')
    ) then
      alter table ${table} add primary key (id);
    end if;`
}
