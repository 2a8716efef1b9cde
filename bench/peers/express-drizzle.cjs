// Express 4 with drizzle on node-postgres.
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
    const { drizzle } = require('drizzle-orm/node-postgres');
    const { and, asc, count, eq, sql } = require('drizzle-orm');
    const { boolean, jsonb, pgSchema, text, timestamp, uuid } = require('drizzle-orm/pg-core');

    const db = drizzle(new Pool({ max: 10 })); // the rest is in PGHOST, PGPORT, …
    const brands = pgSchema('catalog').table('brands', {
        id: uuid('id').primaryKey(),
        name: text('name').notNull(),
        slug: text('slug').notNull(),
        description: text('description'),
        country: text('country'),
        logoUrl: text('logo_url'),
        metadata: jsonb('metadata').notNull(),
        isActive: boolean('is_active').notNull(),
        createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
        updatedAt: timestamp('updated_at', { withTimezone: true }).notNull(),
    });
    const byName = [sql`name_lower`, asc(brands.id)];
    const app = express();
    app.use(express.json());

    app.get('/brands/:id', async (req, res, next) => {
        try {
            const [brand] = await db
                .select()
                .from(brands)
                .where(eq(brands.id, req.params.id))
                .limit(1);
            if (!brand) return res.status(404).json({ error: 'not found' });
            res.json(brand);
        } catch (error) {
            next(error);
        }
    });

    app.get('/brands', async (req, res, next) => {
        try {
            const wanted = and(eq(brands.isActive, true), eq(brands.country, req.query.country));
            const counted = db
                .select({ one: sql`1`.as('one') })
                .from(brands)
                .where(wanted)
                .limit(10001)
                .as('counted');
            const [items, total] = await Promise.all([
                db.select().from(brands).where(wanted).orderBy(...byName).limit(20),
                db.select({ n: count() }).from(counted),
            ]);
            res.json({ total: total[0].n, items });
        } catch (error) {
            next(error);
        }
    });

    app.listen(Number(process.env.PORT), '127.0.0.1');
}
