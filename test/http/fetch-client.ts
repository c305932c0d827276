/** A browser as far as cookies go, for handlers that are called without a server. */
export interface FetchClient {
  readonly cookies: Map<string, string>
  /** Calls the handler with the cookies, and takes in those of the answer. */
  ask(path: string, init?: RequestInit): Promise<Response>
}

/** Makes a client without cookies. @param call Takes the request to the handler under test. */
export function fetchClient(call: (request: Request) => Response | Promise<Response>): FetchClient {
  const cookies = new Map<string, string>()
  return {
    cookies,
    async ask(path, init = {}) {
      const request = new Request(`http://localhost${path}`, init)
      if (cookies.size > 0)
        request.headers.set('cookie', [...cookies].map((pair) => pair.join('=')).join('; '))
      const response = await call(request)
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (line.includes('Max-Age=0')) cookies.delete(name)
        else cookies.set(name, value)
      }
      return response
    },
  }
}
