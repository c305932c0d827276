// Loaded before a program of the documentation: it gets a free port in place of the one it names, and tells it.
import { Server } from 'node:net'

const { listen } = Server.prototype

Server.prototype.listen = function listenAnywhere(...args) {
  if (typeof args[0] === 'number' || /^\d+$/.test(args[0])) args[0] = 0
  this.once('listening', () => process.send?.({ port: this.address().port }))
  return listen.apply(this, args)
}
