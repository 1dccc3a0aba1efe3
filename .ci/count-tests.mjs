// Reads vitest's JSON report and prints "<passed> <failed>". A test that did not run counts as failed,
// except, with --bare, one whose suite is marked as needing what a bare machine lacks.
import { existsSync, readFileSync } from 'node:fs';

const [path, ...flags] = process.argv.slice(2);
const lacking = flags.includes('--bare') ? ['(Redis)', '(Dovecot)'] : [];
if (!existsSync(path)) {
  process.stderr.write('no test ran: there is no report\n');
  process.exit(1);
}
const { testResults } = JSON.parse(readFileSync(path, 'utf8'));

let passed = 0;
const problems = [];
for (const file of testResults) {
  for (const test of file.assertionResults) {
    if (test.status === 'passed') passed += 1;
    else if (test.status === 'failed' || !lacking.some((mark) => test.fullName.includes(mark))) {
      problems.push(`${test.status}: ${file.name} ${test.fullName}`);
    }
  }
  // A file can fail without a test that did: it does not load, or its leak check found something.
  if (file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed')) {
    problems.push(`failed: ${file.name} ${file.message.split('\n')[0]}`);
  }
}
if (passed + problems.length === 0) problems.push('no test ran');
for (const problem of problems) process.stderr.write(`FAIL  ${problem}\n`);
process.stdout.write(`${passed} ${problems.length}\n`);
