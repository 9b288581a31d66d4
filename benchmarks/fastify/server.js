// The fastify peer of benchmarks/gateway.py: `node server.js PORT KEYS REDIS_SOCKET PROCESSES`.
// Knows the keys by heart, counts each key's calls with @fastify/rate-limit in Redis, and answers 204.
import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import rateLimit from '@fastify/rate-limit'
import Fastify from 'fastify'
import { Redis } from 'ioredis'

const [port, keysFile, socket, processes] = process.argv.slice(2)

if (cluster.isPrimary && Number(processes) > 1) {
  for (let number = 0; number < Number(processes); number++) cluster.fork()
  process.on('SIGTERM', () => process.exit(0))
} else {
  const known = new Set(readFileSync(keysFile, 'utf8').trim().split('\n'))
  const app = Fastify()
  app.addHook('onRequest', async (request, reply) => {
    if (!known.has(request.headers['x-api-key'])) return reply.code(401).send()
  })
  await app.register(rateLimit, {
    max: 10_000_000,
    timeWindow: '1 minute',
    redis: new Redis({ path: socket, enableAutoPipelining: true }),
    keyGenerator: (request) => request.headers['x-api-key'],
  })
  app.get('/authorize', async (request, reply) => reply.code(204).send())
  await app.listen({ port: Number(port), host: '127.0.0.1' })
}
