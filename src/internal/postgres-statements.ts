import { aStatement, type Statement } from './postgres-connection.ts'
import { listingColumns, recordColumns, toMsSql } from './postgres-record.ts'

/** Where the sessions are. Both names have been checked to be plain identifiers. */
export interface TableName {
  readonly schema: string
  readonly table: string
}

/** Every statement of a store but the migration. */
export interface Statements {
  readonly create: Statement
  readonly get: Statement
  readonly getMany: Statement
  readonly save: Statement
  readonly mergeMany: Statement
  readonly touch: Statement
  readonly touchMany: Statement
  readonly delete: Statement
  readonly listByUser: Statement
  readonly deleteByUser: Statement
  readonly cleanup: Statement
  readonly serverTime: Statement
}

/** The table's full name, quoted. The schema is always there, so that no search_path decides. */
export function quoteTable({ schema, table }: TableName): string {
  return `"${schema}"."${table}"`
}

/**
 * Writes every statement down for one table.
 *
 * Parameters are texts and numbers, and each is cast where it stands; every column leaves as text. So no
 * driver's serializers or parsers and no setting of the connection (TimeZone, DateStyle, extra_float_digits,
 * search_path) has a say. An array is one text, `{"a","b"}`.
 */
export function createStatements(name: TableName): Statements {
  const table = quoteTable(name)
  return {
    create: aStatement('create', createSql(table)),
    get: aStatement('get', `select ${recordColumns('t')} from ${table} t where t.id = $1::text`),
    getMany: aStatement(
      'get_many',
      `select ${recordColumns('t')} from ${table} t where t.id = any(${ONE_ARRAY})`,
    ),
    save: aStatement('save', saveSql(table)),
    mergeMany: aStatement('merge_many', mergeManySql(table)),
    touch: aStatement('touch', touchSql(table)),
    touchMany: aStatement('touch_many', touchManySql(table)),
    delete: aStatement('delete', deleteSql(table)),
    listByUser: aStatement('list_by_user', listByUserSql(table)),
    deleteByUser: aStatement('delete_by_user', deleteByUserSql(table)),
    cleanup: aStatement('cleanup', cleanupSql(name)),
    serverTime: aStatement('server_time', serverTimeSql),
  }
}

/**
 * The ids of a batch, read from their text once, by the sub-select. A cast where they are compared is done again for
 * each row that is looked at: 73 µs of the server's CPU for each row found in a table of 256 (measured), against 9.
 */
const ONE_ARRAY = '(select $1::text::text[])::text[]'

/** An instant from a parameter or column of epoch milliseconds. */
function at(ms: string): string {
  return `to_timestamp(${ms}::float8 / 1000)`
}

/** A secret's hash from a parameter or column of hex digits. */
function hash(hex: string): string {
  return `decode(${hex}::text, 'hex')`
}

const serverTimeSql = `select (date_part('epoch', clock_timestamp()) * 1000)::int8::text as now`

function createSql(table: string): string {
  return `
insert into ${table} (
  id, user_id, values, created_at, expires_at, signed_in_at, renewed_at, last_seen_at, absolute_end,
  version, persistent, idle_timeout, secret_hash, address, user_agent
)
values (
  $1::text, $2::text, $3::text::jsonb, ${at('$4')}, ${at('$5')}, ${at('$6')}, ${at('$7')}, ${at('$8')}, ${at('$9')},
  $10::text::int4, $11::text::bool, $12::text::numeric, ${hash('$13')}, $14::text, $15::text
)
on conflict (id) do nothing
returning id`
}

// The row is locked first, and only the locked row decides. Where the lock had to be waited for, it is the row
// as the other transaction left it, while everything else in the statement still sees the table as it was when
// the statement began. The update finds that older version, follows it to the locked one, and checks only the
// id again (PostgreSQL: EvalPlanQual). A join by ctid would find nothing then.
function saveSql(table: string): string {
  return `
with locked as materialized (
  select t.id, t.secret_hash, t.expires_at, t.values
  from ${table} t where t.id = $1::text
  for no key update
), changed as materialized (
  select l.id, l.secret_hash, l.expires_at, l.values as old_values,
    ${changedValues('l.values', '$5::text::bool', '$6::text', '$7::text')} as new_values
  from locked l
), judged as materialized (
  select c.id, c.new_values,
    case
      when c.expires_at <= ${at('$3')} then 'gone'
      when c.secret_hash <> ${hash('$2')} then 'superseded'
      when $10::text is not null and (c.old_values -> $10::text) is distinct from $11::text::jsonb then 'unexpected'
      when ${exceeds('c.new_values', '$4::float8')} then 'too-large'
      else 'saved'
    end as outcome
  from changed c
), written as (
  update ${table} t set
    values = j.new_values,
    version = t.version + 1,
    last_seen_at = case when $12::text is null then greatest(t.last_seen_at, ${at('$8')}) else ${at('$8')} end,
    expires_at = case when $12::text is null then greatest(t.expires_at, ${at('$9')}) else ${at('$9')} end,
    secret_hash = coalesce(${hash('$12')}, t.secret_hash),
    renewed_at = coalesce(${at('$13')}, t.renewed_at),
    user_id = coalesce($14::text, t.user_id),
    signed_in_at = coalesce(${at('$15')}, t.signed_in_at),
    idle_timeout = coalesce($16::text::numeric, t.idle_timeout),
    absolute_end = coalesce(${at('$17')}, t.absolute_end),
    persistent = coalesce($18::text::bool, t.persistent),
    address = case when $14::text is null then t.address else $19::text end,
    user_agent = case when $14::text is null then t.user_agent else $20::text end
  from judged j where t.id = j.id and j.outcome = 'saved'
  returning ${recordColumns('t')}
)
select j.outcome, w.* from judged j left join written w on w.id = j.id`
}

// Clear, delete, set. $removed is an array as text.
function changedValues(values: string, isCleared: string, removed: string, set: string): string {
  return `(case when ${isCleared} then '{}'::jsonb else ${values} end - ${removed}::text[]) || ${set}::jsonb`
}

// As JSON text without spaces, as every store counts. The text of jsonb has one after each comma and colon, at most a third
// of it. Between those two they are looked for, past the texts in quotes, which have spaces of their own: 28 ms for 30,000
// of them (measured). Quoted by dollars, because a setting of the connection decides what a backslash is elsewhere.
function exceeds(values: string, bound: string): string {
  const bytes = `octet_length(${values}::text)`
  const withoutSpaces = String.raw`regexp_replace(${values}::text, $re$("(?:[^"\\]|\\.)*")| $re$, $re$\1$re$, 'g')`
  return `${bytes} > ${bound} and (${bytes} > 1.5 * ${bound} or octet_length(${withoutSpaces}) > ${bound})`
}

// At most one change for each record, because an update joined to two rows takes one of them, silently.
// Skipping locked rows is what keeps two batches from waiting for each other in a circle; what this statement
// does not return, locked or not there, is asked again alone. For the rest see saveSql.
function mergeManySql(table: string): string {
  return `
with change as materialized (
  select * from unnest(
    $1::text::text[], $2::text::text[], $3::text::float8[], $4::text::float8[], $5::text::bool[],
    $6::text::text[], $7::text::text[], $8::text::float8[], $9::text::float8[], $10::text::int4[]
  ) as c (id, secret_hash, now, max_values_bytes, is_cleared, removed, set, last_seen_at, expires_at, saves)
), locked as materialized (
  select t.id, t.secret_hash, t.expires_at, t.values
  from ${table} t where t.id = any(${ONE_ARRAY})
  for no key update skip locked
), changed as materialized (
  select c.*, l.secret_hash as held_secret_hash, l.expires_at as held_expires_at,
    ${changedValues('l.values', 'c.is_cleared', 'c.removed', 'c.set')} as new_values
  from locked l join change c on c.id = l.id
), judged as materialized (
  select c.id, c.new_values, c.last_seen_at, c.expires_at, c.saves,
    case
      when c.held_expires_at <= ${at('c.now')} then 'gone'
      when c.held_secret_hash <> ${hash('c.secret_hash')} then 'superseded'
      when ${exceeds('c.new_values', 'c.max_values_bytes')} then 'too-large'
      else 'saved'
    end as outcome
  from changed c
), written as (
  update ${table} t set
    values = j.new_values,
    version = t.version + j.saves,
    last_seen_at = greatest(t.last_seen_at, ${at('j.last_seen_at')}),
    expires_at = greatest(t.expires_at, ${at('j.expires_at')})
  from judged j where t.id = j.id and j.outcome = 'saved'
  returning ${recordColumns('t')}
)
select j.id as asked, j.outcome, w.* from judged j left join written w on w.id = j.id`
}

function touchSql(table: string): string {
  return `
update ${table} t set
  last_seen_at = greatest(t.last_seen_at, ${at('$4')}),
  expires_at = greatest(t.expires_at, ${at('$5')})
where t.id = $1::text and t.secret_hash = ${hash('$2')} and t.expires_at > ${at('$3')}
returning t.id`
}

/** As {@link mergeManySql}. A record that is already further on is not written. */
function touchManySql(table: string): string {
  return `
with touch as materialized (
  select * from unnest(
    $1::text::text[], $2::text::text[], $3::text::float8[], $4::text::float8[], $5::text::float8[]
  ) as c (id, secret_hash, now, last_seen_at, expires_at)
), locked as materialized (
  select t.id, t.secret_hash, t.expires_at
  from ${table} t where t.id = any(${ONE_ARRAY})
  for no key update skip locked
), judged as materialized (
  select c.id, ${at('c.last_seen_at')} as last_seen_at, ${at('c.expires_at')} as expires_at,
    l.secret_hash = ${hash('c.secret_hash')} and l.expires_at > ${at('c.now')} as is_live
  from locked l join touch c on c.id = l.id
), written as (
  update ${table} t set
    last_seen_at = greatest(t.last_seen_at, j.last_seen_at),
    expires_at = greatest(t.expires_at, j.expires_at)
  from judged j
  where t.id = j.id and j.is_live and (t.last_seen_at < j.last_seen_at or t.expires_at < j.expires_at)
)
select j.id, j.is_live::text as is_live from judged j`
}

function deleteSql(table: string): string {
  return `
delete from ${table} t
where t.id = $1::text and ($2::text is null or (t.user_id = $2::text and t.user_id <> ''))
returning t.id`
}

// The index holds signed-in records only; the planner uses it where the statement says so too. One on the order of
// the list would hold the last-seen time, and end the heap-only updates of touches; so each page is one pass over the
// user's rows, of which those of the page leave. The order is that of the milliseconds that leave, because the next page
// comes with them; collate "C" compares bytes, whatever the database's collation. Without a limit ($3 is null): all.
function listByUserSql(table: string): string {
  const lastSeen = toMsSql('t.last_seen_at')
  return `
select ${listingColumns('t')}
from ${table} t
where t.user_id = $1::text and t.user_id <> '' and t.expires_at > ${at('$2')}
  and ($4::text is null or ${lastSeen} < $4::text::int8
    or (${lastSeen} = $4::text::int8 and t.id collate "C" > $5::text))
order by ${lastSeen} desc, t.id collate "C"
limit $3::text::int8`
}

// A renewal under way holds its row; this waits for it, checks the row as the renewal left it, and deletes it. All end or
// none. By steps of 1,000 ids, 100,000 sessions took six times as long (measured: 980 ms against 172).
function deleteByUserSql(table: string): string {
  return `
delete from ${table} t
where t.user_id = $1::text and t.user_id <> '' and ($2::text is null or t.id <> $2::text)
returning t.id`
}

// The advisory lock, taken for this statement alone, lets one instance at a time clean up; the others have
// nothing to do. Rows that someone holds are left for the next time, and a row that was touched in between is
// checked again when it is locked. By ctid it is fastest and writes half the log of `id in (…)` (measured).
function cleanupSql({ schema, table }: TableName): string {
  const name = quoteTable({ schema, table })
  return `
with turn as materialized (
  select pg_try_advisory_xact_lock(hashtextextended('coatcheck cleanup ${schema}.${table}', 0)) as is_ours
), deleted as (
  delete from ${name} where ctid = any(array(
    select t.ctid from ${name} t
    where (select is_ours from turn)
      and t.cleanup_hour <= ${at('$1')} at time zone 'UTC' and t.expires_at <= ${at('$1')}
    order by t.cleanup_hour
    limit $2::text::int8
    for update skip locked
  ))
  returning 1
)
select count(*)::text as count from deleted`
}
