-- Sends each request with the next cookie of the file that COOKIES names: many signed-in users, not one.
local cookies = {}
for line in io.lines(os.getenv('COOKIES')) do cookies[#cookies + 1] = line end
local last = 0

request = function()
  last = last % #cookies + 1
  return wrk.format('GET', nil, { Cookie = cookies[last] })
end
