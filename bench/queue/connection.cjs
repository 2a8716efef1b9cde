// HAAT_BENCH_URL as pg wants it: libpq's `key='value'` words, or a URL.
const text = process.env.HAAT_BENCH_URL || '';
const words = {};
for (const [, key, value] of text.matchAll(/(\w+)\s*=\s*'((?:[^'\\]|\\.)*)'/g))
    words[key] = value.replace(/\\(.)/g, '$1');
module.exports = text.includes('://')
    ? { connectionString: text }
    : { host: words.host, port: Number(words.port || 5432), database: words.dbname, user: words.user,
        password: words.password };
