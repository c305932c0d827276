import tseslint from 'typescript-eslint'

/** What the house forbids in the language itself: each entry says what to write in its place. */
const language = [
  { selector: 'TSEnumDeclaration', message: 'write a union of literals' },
  { selector: "TSModuleDeclaration[kind='namespace']", message: 'write a module' },
  { selector: 'ExportDefaultDeclaration', message: 'export by name' },
  { selector: "PropertyDefinition[accessibility='private']", message: 'write #name' },
  { selector: "MethodDefinition[accessibility='private']", message: 'write #name' },
  { selector: 'TSParameterProperty', message: 'declare the field' },
]

/** Nothing runs and nothing changes while a module of the package loads. */
const atImport = [
  { selector: "Program > VariableDeclaration[kind='let']", message: 'no module state' },
  {
    selector: "Program > ExportNamedDeclaration > VariableDeclaration[kind='let']",
    message: 'no module state',
  },
  {
    selector: 'Program > :matches(ExpressionStatement, VariableDeclaration) AwaitExpression:not(:function *)',
    message: 'no top-level await: require() must load the module',
  },
  {
    selector: 'Program > ForOfStatement[await=true]',
    message: 'no top-level await: require() must load the module',
  },
]

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'coverage/',
      'data/',
      '.cache/',
      'test/types/cases/',
      // compiled with packages of their own, by test/frameworks
      'examples/{nest,next,sveltekit,react-router}/',
      '**/*.js',
      '**/*.cjs',
      '**/*.mjs',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { allowDefaultCaseForExhaustiveSwitch: false, considerDefaultExhaustiveForUnions: false },
      ],
      // the compiler reports both, and it knows a leading underscore as well
      '@typescript-eslint/no-unused-vars': 'off',
      // an empty interface is how an application declares its values: biome watches the others
      '@typescript-eslint/no-empty-object-type': 'off',
      // a class that implements an asynchronous contract answers with a promise, awaited or not
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      // objects of closures are taken apart here, and nothing of ours hands a method of a class around
      '@typescript-eslint/unbound-method': 'off',
      'no-restricted-syntax': ['error', ...language],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-deprecated': 'error',
      '@typescript-eslint/only-throw-error': [
        'error',
        { allowThrowingUnknown: true, allowThrowingAny: false },
      ],
      '@typescript-eslint/prefer-readonly': 'error',
      complexity: ['error', 22],
      'max-depth': ['error', 3],
      'max-lines': ['error', 400],
      'max-lines-per-function': ['error', 60],
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...language, ...atImport],
    },
  },
  {
    files: ['test/**/*.ts', 'examples/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts'],
    rules: {
      // answers of servers under test are `any` until a test has looked at them
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // tests hand in what nobody should
      '@typescript-eslint/await-thenable': 'off',
      '@typescript-eslint/no-array-delete': 'off',
      '@typescript-eslint/no-base-to-string': 'off',
      // a listener that rejects fails the run, which is what a test wants
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
    },
  },
  // vitest reads its configuration from the default export
  { files: ['**/*.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
)
