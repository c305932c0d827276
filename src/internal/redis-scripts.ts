import { createHash } from 'node:crypto'

/** A Lua script, which runs from its first line to its last with nothing in between. */
export interface Script {
  readonly text: string
  /** What a server that has seen it knows it by: SHA-1 of the text, hex. */
  readonly sha: string
}

/** The scripts of a store. Each touches one key only, so that each runs on a Cluster too. */
export type Scripts = Readonly<
  Record<'create' | 'save' | 'touch' | 'delete' | 'expire' | 'list' | 'unlist' | 'time', Script>
>

/** How long keys outlive the last use that they may see, in ms: clocks differ, and cleanup comes before that. */
export const LINGER_MS = 600_000

// What stands in a record is in redis-record.ts. The facts stay the texts that they came as: Lua would write a large
// number in another way. A key that holds something else is treated as if it held nothing.
const RECORD = `
  local key = KEYS[1]

  local function is_number(fact)
    return (tonumber(fact) or 1e15) < 1e15
  end

  local function parse(text)
    local facts = {string.match(text, '^(%S+) (%d[%d.]*) (%d[%d.]*) (%d[%d.]*) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')}
    return facts[1] and is_number(facts[2]) and is_number(facts[3]) and is_number(facts[4]) and facts
  end

  local function read()
    local text = redis.pcall('hget', key, 'f')
    return type(text) == 'string' and parse(text)
  end

  local function is_live(facts, now)
    return facts and tonumber(now) < tonumber(facts[4])
  end

  local function write(facts, now)
    local text = table.concat(facts, ' ')
    redis.call('hset', key, 'f', text)
    redis.call('pexpire', key, math.max(0, math.ceil(facts[4] - now)) + ${LINGER_MS})
    return text
  end

  local function forward(facts, place, to)
    if tonumber(facts[place]) < tonumber(to) then facts[place] = to end
  end
`

/** `now`, facts, then fields and what they hold. @returns 1; 0: the key is taken, by whatever it is. */
const CREATE = `${RECORD}
  local facts = assert(parse(ARGV[2]))
  if redis.call('exists', key) == 1 then return 0 end
  for i = 3, #ARGV, 2 do redis.call('hset', key, ARGV[i], ARGV[i + 1]) end
  write(facts, ARGV[1])
  return 1
`

/**
 * `now`, secret hash, bound in bytes, whether to clear, last seen, end; the field that is expected to hold something and
 * what; new secret hash and when; then what a sign-in sets: user, when, idle timeout, absolute end, persistence, address,
 * user agent; how many fields to delete, those fields; fields and what to set them to. What is absent is empty, and an
 * address or a user agent that is there has a mark before it.
 *
 * @returns what became of it; of a record that was saved its fields, each before what it holds, and 1 if it was the
 *   first change of a minute, else 0.
 */
const SAVE = `${RECORD}
  local now, secret, bound, clear, seen, ends, expected, value = unpack(ARGV, 1, 8)
  local renewed_secret, renewed_at, user, signed_in_at, idle, absolute, persistent = unpack(ARGV, 9, 15)
  local first_set = 19 + ARGV[18]

  -- Read once: each call from a script costs the server about a microsecond.
  local reply, held = redis.pcall('hgetall', key), {}
  if not reply.err then
    for i = 1, #reply, 2 do held[reply[i]] = reply[i + 1] end
  end

  local facts = held.f and parse(held.f)
  if not is_live(facts, now) then return {'gone'} end
  if facts[1] ~= secret then return {'superseded'} end
  if expected ~= '' and (held[expected] or '') ~= value then return {'unexpected'} end

  local function is_value(field) return string.byte(field) == 34 end -- a quote
  local dropped = {}
  local function drop(field)
    if held[field] then dropped[field], held[field] = true, nil end
  end
  if clear == '1' then
    for field in pairs(held) do if is_value(field) then drop(field) end end
  end
  for i = 19, first_set - 1 do drop(ARGV[i]) end
  for i = first_set, #ARGV, 2 do held[ARGV[i]] = ARGV[i + 1] end

  local bytes = 1
  for field, text in pairs(held) do
    if is_value(field) then bytes = bytes + #field + #text + 2 end
  end
  if math.max(bytes, 2) > tonumber(bound) then return {'too-large'} end

  for field in pairs(dropped) do
    if not held[field] then redis.call('hdel', key, field) end
  end
  local function put(field, text)
    held[field] = text
    redis.call('hset', key, field, text)
  end
  local function put_marked(field, text)
    if text ~= '' then return put(field, string.sub(text, 2)) end
    held[field] = nil
    redis.call('hdel', key, field)
  end
  for i = first_set, #ARGV, 2 do put(ARGV[i], ARGV[i + 1]) end

  local seen_before = facts[3]
  facts[2] = string.format('%.0f', facts[2] + 1)
  if renewed_secret == '' then
    forward(facts, 3, seen)
    forward(facts, 4, ends)
  else
    facts[1], facts[3], facts[4], facts[5] = renewed_secret, seen, ends, renewed_at
  end
  if user ~= '' then
    facts[7], facts[8], facts[9], facts[10] = signed_in_at, idle, absolute, persistent
    put('u', user)
    put_marked('a', ARGV[16])
    put_marked('g', ARGV[17])
  end
  held.f = write(facts, now)

  local fields, n = {}, 0
  for field, text in pairs(held) do
    fields[n + 1], fields[n + 2] = field, text
    n = n + 2
  end
  local function minute_of(seen) return math.floor(seen / 60000) end
  return {'saved', fields, minute_of(seen_before) == minute_of(facts[3]) and 0 or 1}
`

/** `now`, secret hash, last seen, end. @returns the user and the absolute end; nil: it is gone, or another secret lives there. */
const TOUCH = `${RECORD}
  local facts = read()
  if not is_live(facts, ARGV[1]) or facts[1] ~= ARGV[2] then return nil end
  forward(facts, 3, ARGV[3])
  forward(facts, 4, ARGV[4])
  write(facts, ARGV[1])
  return {redis.call('hget', key, 'u') or '', facts[9]}
`

/** The user whose it must be; empty: anybody's. @returns the user; nil: there is none, or it is another's. */
const DELETE = `${RECORD}
  if not read() then return nil end
  local user = redis.call('hget', key, 'u') or ''
  if ARGV[1] ~= '' and ARGV[1] ~= user then return nil end
  redis.call('del', key)
  return user
`

/** `now`. @returns the end of a record that is live; or the user of one that had ended and was deleted; or nothing. */
const EXPIRE = `${RECORD}
  local facts = read()
  if not facts then return {} end
  if is_live(facts, ARGV[1]) then return {'live', facts[4]} end
  local user = redis.call('hget', key, 'u') or ''
  redis.call('del', key)
  return {'ended', user}
`

// A member's score is when it was last added, by the clock of the server that holds the index: no other clock says how
// old it is.
const INDEX = `
  local time = redis.call('time')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/** An id, and the ms that the index is to live. Adds it to a user's index, or notes that it was used. */
const LIST = `${INDEX}
  redis.call('zadd', KEYS[1], now, ARGV[1])
  if redis.call('pttl', KEYS[1]) < tonumber(ARGV[2]) then redis.call('pexpire', KEYS[1], ARGV[2]) end
  return 1
`

/** Ids without a record. Takes those off a user's index that are too old for their record to be still on its way. */
const UNLIST = `${INDEX}
  for _, id in ipairs(ARGV) do
    local added = redis.call('zscore', KEYS[1], id)
    if added and tonumber(added) < now - ${LINGER_MS} then redis.call('zrem', KEYS[1], id) end
  end
  return 1
`

/** @returns the server's time: seconds, and microseconds. Needs a key to go to one server of a Cluster, and leaves it alone. */
const TIME = `return redis.call('time')`

function toScript(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** Writes the scripts down. */
export function createScripts(): Scripts {
  return {
    create: toScript(CREATE),
    save: toScript(SAVE),
    touch: toScript(TOUCH),
    delete: toScript(DELETE),
    expire: toScript(EXPIRE),
    list: toScript(LIST),
    unlist: toScript(UNLIST),
    time: toScript(TIME),
  }
}
