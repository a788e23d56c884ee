// What hey-api is told: modules as Node.js takes them, by our tsconfig.json.
export default {
  input: process.env.VCARE_DOCUMENT,
  output: { path: 'generated/hey-api', tsConfigPath: new URL('tsconfig.json', import.meta.url).pathname },
  plugins: ['@hey-api/typescript', '@hey-api/sdk', '@hey-api/client-fetch'],
}
