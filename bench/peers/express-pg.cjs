// Express 4 with node-postgres, as its users write it: a pool, one query a step, res.json().
const cluster = require('cluster');
const workers = Number(process.env.WORKERS ?? 2);

if (cluster.isPrimary) {
    for (let i = 0; i < workers; i++) cluster.fork();
} else {
    serve();
}

function serve() {
    const express = require('express');
    const { Pool } = require('pg');
    const pool = new Pool({ max: 10 }); // the rest is in PGHOST, PGPORT, …
    const columns =
        'id, name, slug, description, country, logo_url, metadata, is_active, created_at, updated_at';
    const app = express();
    app.use(express.json());

    app.get('/brands/:id', async (req, res, next) => {
        try {
            const { rows } = await pool.query(
                `select ${columns} from catalog.brands where id = $1`,
                [req.params.id],
            );
            if (!rows[0]) return res.status(404).json({ error: 'not found' });
            res.json(rows[0]);
        } catch (error) {
            next(error);
        }
    });

    app.get('/brands', async (req, res, next) => {
        try {
            const where = 'where is_active = $1 and country = $2';
            const [list, total] = await Promise.all([
                pool.query(
                    `select ${columns} from catalog.brands ${where} order by name_lower, id limit 20`,
                    [true, req.query.country],
                ),
                pool.query(
                    `select count(*)::int as n from (
                        select 1 from catalog.brands ${where} limit 10001) counted`,
                    [true, req.query.country],
                ),
            ]);
            res.json({ total: total.rows[0].n, items: list.rows });
        } catch (error) {
            next(error);
        }
    });

    app.listen(Number(process.env.PORT), '127.0.0.1');
}
