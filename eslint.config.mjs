import tseslint from 'typescript-eslint';
import { floors } from './tools/eslint-floors.mjs';

export default tseslint.config(
  { ignores: ['**/node_modules/**', '**/dist/**', 'reports/**', 'runs/**', '.nx/**'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    plugins: { controllab: { rules: { floors } } },
    rules: {
      'controllab/floors': 'error',
      // Code is broken by the formatter; this is for comments. Texts for a reader stand on one line, so that they can be searched for.
      'max-len': [
        'error',
        { code: 140, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true, ignorePattern: '^import |https?://' },
      ],
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  // Commands, benches, examples and tests talk to a terminal; libraries do not.
  {
    files: ['**/cli/*.ts', '**/command.ts', '**/testing/**/*.ts', '**/bench/**/*.ts', '**/examples/**/*.ts', '**/*.test.ts'],
    rules: { 'no-console': 'off' },
  },
);
