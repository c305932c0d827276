// Loaded before a program of the documentation: it gets a free port in place of the one it names, and tells it.
import { Server } from 'node:net'

const { listen } = Server.prototype

Server.prototype.listen = function listenAnywhere(...args) {
  if (typeof args[0] === 'number' || /^\d+$/.test(args[0])) args[0] = 0
  else if (args[0]?.port !== undefined) args[0] = { ...args[0], port: 0 }
  this.once('listening', () => {
    // A socket in the file system, such as the embedded store's lock, has no port.
    const { port } = this.address() ?? {}
    if (port !== undefined) process.send?.({ port })
  })
  return listen.apply(this, args)
}
