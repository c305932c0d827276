/**
 * Who may import whom. `only(from, to)` says: whatever `from` imports of `src/` must match one of `to`.
 * Types count as much as values.
 */
const only = (name, from, to) => ({
  name,
  comment: `only of: ${to.join(' ')}`,
  severity: 'error',
  from: { path: from },
  to: { path: '^src/', pathNot: to },
})

const never = (name, from, to) => ({ name, severity: 'error', from, to })

const types = [
  '^src/session\\.ts$',
  '^src/store\\.ts$',
  '^src/exchange\\.ts$',
  '^src/events\\.ts$',
  '^src/errors\\.ts$',
  '^src/values\\.ts$',
]
const internal = '^src/internal/'
/** Code that a session is made of: no clock, no I/O, no HTTP. */
const session = [
  '^src/session\\.ts$',
  '^src/internal/(session[a-z-]*|staged-[a-z-]+|stored-text|draft|json)\\.ts$',
]

module.exports = {
  forbidden: [
    never('no-cycle', {}, { circular: true }),
    never('no-unknown-module', { path: '^(src|test|examples|bench|scripts)/' }, { couldNotResolve: true }),
    never('no-index', { path: '^src/' }, { path: '^src/index\\.ts$' }),
    never('src-stands-alone', { path: '^src/' }, { path: '^(test|examples|bench|scripts|docs)/' }),

    only('contracts-name-contracts-only', '^src/(store|exchange|events|errors|values)\\.ts$', types),
    only('session-is-pure', session, [...types, '^src/options\\.ts$', internal]),
    never('session-knows-no-exchange', { path: session }, { path: '^src/exchange\\.ts$' }),
    never(
      'session-reaches-no-platform',
      { path: session },
      {
        reachable: true,
        path: '^(fs|net|http|https|crypto|timers|async_hooks|child_process|perf_hooks)(/|$)',
      },
    ),

    only('options-know-no-work', '^src/options\\.ts$', [...types, internal, '^src/cookies/']),
    only('manager-imports', '^src/manager\\.ts$', [
      ...types,
      '^src/options\\.ts$',
      '^src/context\\.ts$',
      '^src/cookies/',
      internal,
    ]),
    only('context-imports', '^src/context\\.ts$', [...types, '^src/manager\\.ts$', internal]),
    only('cookies-imports', '^src/cookies/', [...types, '^src/cookies/', internal]),
    only('stores-imports', '^src/stores/([a-z-]+)', [
      '^src/(store|errors)\\.ts$',
      internal,
      '^src/stores/$1(\\.ts$|/)',
      '^src/stores/(postgres\\.ts$|postgres/)',
    ]),
    never(
      'only-embedded-stands-on-postgres',
      { path: '^src/stores/', pathNot: '^src/stores/(embedded|postgres)(\\.ts$|/)' },
      { path: '^src/stores/postgres(\\.ts$|/)' },
    ),
    only('adapters-imports', '^src/adapters/([a-z-]+)', [
      '^src/(manager|context|exchange|session|errors|values)\\.ts$',
      internal,
      '^src/adapters/$1(\\.ts$|/)',
    ]),
    never(
      'adapters-see-the-session-as-a-type',
      { path: '^src/adapters/' },
      { path: '^src/session\\.ts$', dependencyTypesNot: ['type-only'] },
    ),
    never('internal-is-below', { path: internal }, { path: '^src/(index\\.ts$|testing|stores/|adapters/)' }),
    never('testing-needs-no-framework', { path: '^src/testing' }, { path: '^src/adapters/' }),
    never('testing-is-for-tests', { path: '^src/', pathNot: '^src/testing' }, { path: '^src/testing' }),

    never(
      'no-package-at-run-time',
      { path: '^src/', pathNot: '^src/stores/embedded' },
      { path: '(^|/)node_modules/', dependencyTypesNot: ['type-only'] },
    ),
    never(
      'no-package-but-the-one-it-binds',
      { path: '^src/', pathNot: '^src/(adapters|stores)/' },
      { path: '(^|/)node_modules/(?!@types/node/)' },
    ),
    never('examples-use-what-users-have', { path: '^examples/' }, { path: '^src/internal/' }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: {
      path: '^(dist|coverage|test/types/cases|bench/node_modules|examples/(nest|next|sveltekit|react-router))/',
    },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
    },
  },
}
