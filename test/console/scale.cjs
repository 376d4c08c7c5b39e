// The console before much: 10,000 tables and a lineage of 2,000 relations.  How long a task takes is its CPU time, whatever else the machine does.
const { World } = require('./world.cjs');
const fs = require('fs');
const path = require('path');
const zlib = require('zlib');

(async () => {
	const w = new World(JSON.parse(process.argv[2]));

	// what is sent to a browser that comes for the first time, and in all
	const files = [];
	const walk = (at) => fs.readdirSync(at, { withFileTypes: true }).forEach((f) => (f.isDirectory() ? walk(path.join(at, f.name)) : files.push(path.join(at, f.name))));
	walk(w.files);
	const packed = files.filter((f) => /\.(js|css|html|svg)$/.test(f)).reduce((n, f) => n + zlib.gzipSync(fs.readFileSync(f), { level: 6 }).length, 0);
	w.note(`all of the console, packed: ${packed} bytes`);
	w.ok(packed <= 300 * 1024, 'all of it is 300 kB at most', packed);
	w.ok(!files.some((f) => /<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=/.test(f.endsWith('.html') ? fs.readFileSync(f, 'utf8') : '')), 'no script or style stands within its page');

	await w.startGateway();
	let page = await w.logIn('fin');

	// the longest task of the page's own thread while something is done, by its CPU time
	const longest = async (what, act) => {
		const session = await w.context.newCDPSession(page);
		const events = [];
		session.on('Tracing.dataCollected', (e) => events.push(...e.value));
		await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['toplevel', 'devtools.timeline'] } });
		await act();
		const done = new Promise((r) => session.once('Tracing.tracingComplete', r));
		await session.send('Tracing.end');
		await done;
		await session.detach();
		const threads = new Set(events.filter((e) => e.name === 'thread_name' && e.args?.name === 'CrRendererMain').map((e) => `${e.pid} ${e.tid}`));
		const tasks = events.filter((e) => e.ph === 'X' && /RunTask/.test(e.name) && threads.has(`${e.pid} ${e.tid}`)).map((e) => e.tdur / 1000).filter(Number.isFinite);
		const most = Math.max(0, ...tasks);
		w.note(`${what}: ${tasks.length} tasks, the longest ${most.toFixed(1)} ms`);
		w.ok(tasks.length > 0, `${what}: tasks were measured`, tasks.length);
		return most;
	};
	const settled = () => page.waitForFunction(() => document.querySelector('main') && !document.querySelector('main .waiting, main .wait'), undefined, { timeout: 60000 });

	await w.journey('the first thing is painted within a second', async () => {
		const painted = [];
		for (let i = 0; i < 7; i++) {
			await page.goto(w.console + '?' + i + '#/');
			await page.waitForSelector('.tiles');
			painted.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime));
		}
		w.note(`first paints: ${painted.map((t) => Math.round(t)).join(' ')} ms`);
		w.ok(Math.min(...painted) <= 1000, 'first paint', painted.join());
	});

	await w.journey('a task that takes long is seen', async () => {
		const most = await longest('idling', async () => {
			await page.evaluate(() => new Promise((done) => setTimeout(() => { const end = performance.now() + 400; while (performance.now() < end); done(); }, 0)));
			await page.waitForTimeout(200);
		});
		w.ok(most > 20, 'by its CPU time', most);
	});

	await w.journey('10,000 tables', async () => {
		const most = await longest('tables', async () => {
			await w.go('/tables');
			await page.getByText('10,0', { exact: false }).first().waitFor();
			await settled();
			for (let i = 0; i < 12; i++) {
				await page.locator('.table .scroll').evaluate((el, n) => { el.scrollTop = (el.scrollHeight / 12) * n; }, i);
				await page.waitForTimeout(120);
			}
			await page.locator('.table .scroll').evaluate((el) => { el.scrollTop = el.scrollHeight; });
			await page.getByRole('link', { name: 'wide_9999', exact: true }).waitFor();
			await page.keyboard.press('/');
			await page.keyboard.type('wide_77', { delay: 30 });
			await page.waitForFunction(() => /^100 rows/.test(document.querySelector('.foot')?.textContent.trim() ?? ''), undefined, { timeout: 30000 });
			await page.keyboard.press('Escape');
			await page.getByRole('button', { name: 'Table', exact: true }).click();
			await settled();
		});
		w.ok(most <= 100, 'no task takes over 100 ms', most);
		const rows = await page.locator('tbody tr[data-i]').count();
		w.ok(rows < 120, 'the page holds the rows in sight alone', rows);
		await w.axe('10,000 tables');
	});

	await w.journey('the overview with 10,000 tables', async () => {
		const most = await longest('overview', async () => {
			await w.go('/');
			await page.locator('.fresh a').first().waitFor({ timeout: 60000 });
			await settled();
		});
		w.ok(most <= 100, 'no task takes over 100 ms', most);
	});

	await w.journey('2,000 relations', async () => {
		const stage = page.locator('.stage');
		const most = await longest('lineage', async () => {
			await w.go('/lineage');
			await stage.waitFor({ timeout: 90000 });
			await page.waitForTimeout(500);
			const box = await stage.boundingBox();
			await page.mouse.move(box.x + 200, box.y + 200);
			// to and fro, near and far
			await page.mouse.down();
			for (let i = 0; i < 30; i++) await page.mouse.move(box.x + 200 + i * 12, box.y + 200 + i * 8);
			await page.mouse.up();
			await page.keyboard.down('Control');
			for (let i = 0; i < 12; i++) await page.mouse.wheel(0, -60);
			for (let i = 0; i < 20; i++) await page.mouse.wheel(0, 60);
			await page.keyboard.up('Control');
			for (let i = 0; i < 20; i++) await page.mouse.wheel(0, 300);
			await page.waitForTimeout(300);
		});
		const said = await page.locator('.bar-of').innerText();
		w.ok(/2(\.\d+)?.k relations/.test(said), 'all are there', said);
		w.ok(most <= 100, 'no task takes over 100 ms', most);
		w.ok((await page.locator('.node').count()) < 400, 'the page holds the nodes in sight alone');
		// the same places whenever it is drawn
		const shot = async () => { await page.getByRole('button', { name: 'Fit' }).click(); await page.waitForTimeout(300); return page.evaluate(() => document.querySelector('.nodes').style.transform + document.querySelector('canvas').toDataURL().length); };
		const first = await shot();
		await page.reload();
		await stage.waitFor({ timeout: 90000 });
		w.ok((await shot()) === first, 'it looks the same after a reload');
		await w.go('/lineage?object=graph.node_1');
		await page.getByRole('region', { name: 'What breaks' }).getByRole('button').first().waitFor({ timeout: 60000 });
		await w.axe('2,000 relations');
	});

	await w.journey('what is sent', async () => {
		w.ok(!w.violations.length && !w.errors.length, 'no error', [...w.violations, ...w.errors].join('\n'));
	});
	await w.end();
})().catch((error) => { console.log(JSON.stringify({ ok: false, name: 'scale', more: String(error.stack) })); process.exit(1); });
