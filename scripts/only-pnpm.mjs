// Root preinstall. npm and yarn cannot link this workspace; say so in one line instead of failing later.
if (!(process.env.npm_config_user_agent ?? '').startsWith('pnpm/')) {
  console.error(
    'This workspace is installed by pnpm. Run `npm start`, which brings it, or `npx pnpm@12.21.0 install`.',
  );
  process.exit(1);
}
