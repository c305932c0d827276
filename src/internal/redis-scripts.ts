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
    local secret, version, seen, ends, others =
      string.match(text, '^(%S+) (%d[%d.]*) (%d[%d.]*) (%d[%d.]*) (%S+ %S+ %S+ %S+ %S+ %S+)$')
    return others and is_number(version) and is_number(seen) and is_number(ends)
      and {secret = secret, version = version, seen = seen, ends = ends, others = others}
  end

  local function to_text(facts)
    return facts.secret .. ' ' .. facts.version .. ' ' .. facts.seen .. ' ' .. facts.ends .. ' ' .. facts.others
  end

  local function read()
    local text = redis.pcall('hget', key, 'f')
    return type(text) == 'string' and parse(text)
  end

  local function is_live(facts, now)
    return facts and tonumber(now) < tonumber(facts.ends)
  end

  local function expire(facts, now)
    redis.call('pexpire', key, math.max(0, math.ceil(facts.ends - now)) + ${LINGER_MS})
  end

  local function forward(facts, fact, to)
    if tonumber(facts[fact]) < tonumber(to) then facts[fact] = to end
  end
`

/** `now`, facts, then fields and what they hold. @returns 1; 0: the key is taken, by whatever it is. */
const CREATE = `${RECORD}
  local facts = assert(parse(ARGV[2]))
  if redis.call('exists', key) == 1 then return 0 end
  redis.call('hset', key, 'f', ARGV[2])
  for i = 3, #ARGV, 2 do redis.call('hset', key, ARGV[i], ARGV[i + 1]) end
  expire(facts, ARGV[1])
  return 1
`

/**
 * `now`, secret hash, bound in bytes, last seen, end; how many fields to delete, and how many to set; the first; the second, each
 * before what it will hold. Then, unless that is all: whether to clear; the field that is expected to hold something and
 * what; new secret hash and when; what a sign-in sets: user, when, idle timeout, absolute end, persistence, address, user
 * agent. What is absent is empty, and an address or a user agent that is there has a mark before it.
 *
 * @returns what became of it; of a record that was saved its fields, each before what it holds, and 1 if it was the
 *   first change of a minute, else 0.
 */
const SAVE = `${RECORD}
  local now, secret, bound, seen, ends = unpack(ARGV, 1, 5)
  local first_set = 8 + ARGV[6]
  local first_other = first_set + 2 * ARGV[7]
  local clear, expected, value, renewed_secret, renewed_at = unpack(ARGV, first_other, first_other + 4)

  -- Read once: each call from a script costs the server about a microsecond.
  local held, place = redis.pcall('hgetall', key), {}
  if held.err then return {'gone'} end
  for i = 1, #held, 2 do place[held[i]] = i + 1 end

  local facts = place.f and parse(held[place.f])
  if not is_live(facts, now) then return {'gone'} end
  if facts.secret ~= secret then return {'superseded'} end
  if expected and expected ~= '' and (held[place[expected]] or '') ~= value then return {'unexpected'} end

  local removed, written = {}, {}
  local function remove(field)
    local at, last = place[field], #held
    if not at then return end
    removed[#removed + 1] = field
    held[at - 1], held[at] = held[last - 1], held[last]
    place[held[at - 1]] = at
    place[field] = nil
    held[last - 1], held[last] = nil, nil
  end
  local function put(field, text)
    local at, last = place[field] or #held + 2, #written
    held[at - 1], held[at], place[field] = field, text, at
    written[last + 1], written[last + 2] = field, text
  end
  local function is_value(field) return string.byte(field) == 34 end -- a quote

  if clear == '1' then
    for i = #held - 1, 1, -2 do if is_value(held[i]) then remove(held[i]) end end
  end
  for i = 8, first_set - 1 do remove(ARGV[i]) end
  for i = first_set, first_other - 1, 2 do put(ARGV[i], ARGV[i + 1]) end

  local bytes = 1
  for i = 1, #held, 2 do
    if is_value(held[i]) then bytes = bytes + #held[i] + #held[i + 1] + 2 end
  end
  if math.max(bytes, 2) > tonumber(bound) then return {'too-large'} end

  local seen_before = facts.seen
  facts.version = string.format('%.0f', facts.version + 1)
  if renewed_secret and renewed_secret ~= '' then
    local others = {string.match(facts.others, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')}
    local user, signed_in_at, idle, absolute, persistent, address, agent = unpack(ARGV, first_other + 5)
    facts.secret, facts.seen, facts.ends, others[1] = renewed_secret, seen, ends, renewed_at
    if user ~= '' then
      others[3], others[4], others[5], others[6] = signed_in_at, idle, absolute, persistent
      put('u', user)
      for field, text in pairs({a = address, g = agent}) do
        if text == '' then remove(field) else put(field, string.sub(text, 2)) end
      end
    end
    facts.others = table.concat(others, ' ')
  else
    forward(facts, 'seen', seen)
    forward(facts, 'ends', ends)
  end
  put('f', to_text(facts))

  -- Lua hands over some thousands of arguments at most.
  for i = 1, #removed, 1000 do redis.call('hdel', key, unpack(removed, i, math.min(i + 999, #removed))) end
  for i = 1, #written, 1000 do redis.call('hset', key, unpack(written, i, math.min(i + 999, #written))) end
  expire(facts, now)

  local function minute_of(seen) return math.floor(seen / 60000) end
  return {'saved', held, minute_of(seen_before) == minute_of(facts.seen) and 0 or 1}
`

/** `now`, secret hash, last seen, end. @returns the user and the absolute end; nil: it is gone, or another secret lives there. */
const TOUCH = `${RECORD}
  local facts = read()
  if not is_live(facts, ARGV[1]) or facts.secret ~= ARGV[2] then return nil end
  forward(facts, 'seen', ARGV[3])
  forward(facts, 'ends', ARGV[4])
  redis.call('hset', key, 'f', to_text(facts))
  expire(facts, ARGV[1])
  local absolute_end = string.match(facts.others, '^%S+ %S+ %S+ %S+ (%S+)')
  return {redis.call('hget', key, 'u') or '', absolute_end}
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
  if is_live(facts, ARGV[1]) then return {'live', facts.ends} end
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
