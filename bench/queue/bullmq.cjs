// No-op jobs through BullMQ on a Redis without persistence: node bullmq.cjs JOBS CONCURRENCY PROCESSES
const cluster = require('node:cluster');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { Queue, Worker } = require('bullmq');

const [jobs, concurrency, processes] = process.argv.slice(2).map(Number);
const name = 'noop';

function work() {
    const options = { connection: { path: process.env.HAAT_BENCH_REDIS }, concurrency,
                      removeOnComplete: { count: 0 } };
    const worker = new Worker(name, async () => {}, options);
    worker.on('error', () => {});
}

async function counts(queue) {
    const some = await queue.getJobCounts('wait', 'active');
    return some.wait + some.active;
}

async function measure() {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'haat-bullmq-'));
    const socket = path.join(folder, 's');
    const server = spawn('redis-server', ['--port', '0', '--unixsocket', socket, '--save', '',
                                          '--dir', folder], { stdio: 'ignore' });
    while (!fs.existsSync(socket)) await new Promise((done) => setTimeout(done, 10));
    const queue = new Queue(name, { connection: { path: socket } });
    for (let i = 0; i < jobs; i += 1000)
        await queue.addBulk(Array.from({ length: Math.min(1000, jobs - i) }, () => ({ name, data: {} })));
    for (let i = 0; i < processes; ++i) cluster.fork({ HAAT_BENCH_REDIS: socket });
    while (await counts(queue) === jobs && await queue.getActiveCount() === 0) continue; // their start
    const begin = process.hrtime.bigint();
    while (await counts(queue) > 0) await new Promise((done) => setTimeout(done, 20));
    const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
    console.log(`BullMQ, Redis without persistence: ${Math.round(jobs / seconds)}/s`);
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGKILL');
    server.kill('SIGKILL');
    fs.rmSync(folder, { recursive: true, force: true });
    process.exit(0);
}

if (cluster.isWorker) work();
else measure().catch((error) => { console.error(error.message); process.exit(1); });
