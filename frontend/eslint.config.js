import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const onlyInApi = [
  { name: 'fetch', message: 'Only src/api talks to the backend.' },
  { name: 'EventSource', message: 'Only src/api talks to the backend.' },
  { name: 'XMLHttpRequest', message: 'Only src/api talks to the backend.' },
];

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'src/api/schema.gen.ts'] },
  {
    files: ['src/**/*.{ts,tsx}', 'vite.config.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'react-hooks': hooks },
    rules: {
      'react-hooks/rules-of-hooks': 'error',
      'react-hooks/exhaustive-deps': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      'no-restricted-globals': ['error', ...onlyInApi],
    },
  },
  { files: ['src/api/**'], rules: { 'no-restricted-globals': 'off' } },
  {
    files: ['src/twin/**'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: ['react*', '../api/*', '../parts/*', '../shell/*', '../pages/*'] },
      ],
      'no-restricted-globals': ['error', ...onlyInApi, 'window', 'document', 'localStorage'],
    },
  },
);
