// Fastify 5 with postgres.js, which prepares and pipelines by itself; answers by schema, which is
// Fastify's fast way.
const cluster = require('cluster');
const workers = Number(process.env.WORKERS ?? 2);

if (cluster.isPrimary) {
    for (let i = 0; i < workers; i++) cluster.fork();
} else {
    serve();
}

function serve() {
    const { PGHOST, PGPORT } = process.env;
    const sql = require('postgres')({ path: `${PGHOST}/.s.PGSQL.${PGPORT}`, max: 10 });
    const app = require('fastify')();
    const nullable = { type: ['string', 'null'] };
    const brand = {
        type: 'object',
        properties: {
            id: { type: 'string' },
            name: { type: 'string' },
            slug: { type: 'string' },
            description: nullable,
            country: nullable,
            logo_url: nullable,
            metadata: { type: 'object', additionalProperties: true },
            is_active: { type: 'boolean' },
            created_at: { type: 'string', format: 'date-time' },
            updated_at: { type: 'string', format: 'date-time' },
        },
    };
    const page = {
        type: 'object',
        properties: { total: { type: 'integer' }, items: { type: 'array', items: brand } },
    };

    app.get('/brands/:id', { schema: { response: { 200: brand } } }, async (req, reply) => {
        const [found] = await sql`
            select id, name, slug, description, country, logo_url, metadata, is_active,
                   created_at, updated_at
              from catalog.brands where id = ${req.params.id}`;
        return found ?? reply.code(404).send({});
    });

    app.get('/brands', { schema: { response: { 200: page } } }, async (req) => {
        const { country } = req.query;
        const [items, total] = await Promise.all([
            sql`select id, name, slug, description, country, logo_url, metadata, is_active,
                       created_at, updated_at
                  from catalog.brands where is_active = ${true} and country = ${country}
                 order by name_lower, id limit 20`,
            sql`select count(*)::int as n from (
                    select 1 from catalog.brands
                     where is_active = ${true} and country = ${country} limit 10001) counted`,
        ]);
        return { total: total[0].n, items };
    });

    app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
}
