// No-op jobs through pg-boss: node pg-boss.cjs JOBS BATCH LOOPS. HAAT_BENCH_URL is the database.
const PgBoss = require('pg-boss');

const [jobs, batch, loops] = process.argv.slice(2).map(Number);
const connection = require('./connection.cjs');

async function loop(boss, queue) {
    for (;;) {
        const some = await boss.fetch(queue, { batchSize: batch });
        if (!some || some.length === 0) return;
        await boss.complete(queue, some.map((job) => job.id));
    }
}

async function measure() {
    const boss = new PgBoss({ ...connection, max: 10 });
    boss.on('error', () => {});
    await boss.start();
    const queue = `noop${process.pid}`;
    await boss.createQueue(queue);
    for (let i = 0; i < jobs; i += 1000)
        await boss.insert(Array.from({ length: Math.min(1000, jobs - i) }, () => ({ name: queue, data: {} })));
    const begin = process.hrtime.bigint();
    await Promise.all(Array.from({ length: loops }, () => loop(boss, queue)));
    const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
    console.log(`pg-boss, ${batch === 1 ? 'one by one' : `by ${batch}`}: ${Math.round(jobs / seconds)}/s`);
    process.exit(0);
}

measure().catch((error) => { console.error(error.message); process.exit(1); });
