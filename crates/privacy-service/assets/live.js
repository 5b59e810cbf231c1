// Keeps a page fresh while it is open. The pages work without it: nothing is shown by this alone.
'use strict';
(() => {
  let source, timer, quiet, next, fetching = false, again = false, dirty = false, stopped = false, old = document.hidden;
  // On the document, not on the buttons: those of a replaced part are asked about, too.
  document.addEventListener('submit', (event) => {
    const question = event.submitter?.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
    else dirty = false;
  });
  const [main, live] = ['main[data-events]', '[data-live]'].map((which) => document.querySelector(which));
  if (!main || !window.EventSource) return;
  // What the server last sent, by id: what a reader has opened or folded since is no difference.
  const sent = new Map([...document.querySelectorAll('[data-refresh][id]')].map((part) => [part.id, part.outerHTML]));
  const show = () => {
    if (!live || quiet || !next || next === live.textContent) return;
    live.textContent = next;
    // Somebody who listens to the page is not interrupted more often than this; the last text is said, not lost.
    quiet = setTimeout(() => { quiet = 0; show(); }, 10_000);
  };
  const say = (text) => { next = text; show(); };
  const stop = () => { stopped = true; source.close(); say('No longer updated. Load the page again.'); };
  const soon = (wait = 500) => { timer ??= setTimeout(() => { timer = undefined; refresh(); }, wait); };
  // Nothing changes under somebody who writes, chooses or marks a text.
  const busy = () => main.querySelector(':is(input, textarea, select):focus') || !window.getSelection().isCollapsed;
  // The row may have moved: what is looked for is the same link or button, not the same place.
  const name = (one) => one.id || one.href || `${one.form?.getAttribute('action')} ${one.value} ${one.textContent}`;
  const replace = (part, fresh) => {
    const { activeElement: held } = document;
    const [had, left, top] = [part.contains(held), window.scrollX, window.scrollY];
    part.replaceWith(document.adoptNode(fresh));
    const these = had ? [fresh, ...fresh.querySelectorAll('a, button, summary, [tabindex]')] : [];
    these.find((one) => name(one) === name(held))?.focus({ preventScroll: true });
    window.scrollTo({ left, top, behavior: 'instant' });
  };
  const refresh = async () => {
    if (stopped || document.hidden) return;
    if (dirty) return say('There may be news: send the form or load the page again to see it.');
    if (busy()) return soon(2000);
    if (fetching) return void (again = true);
    fetching = true;
    try {
      // Not followed: a redirect is the way to the sign-in page, whose parts have no place here.
      const answer = await fetch(location.href, { headers: { 'X-Requested-With': 'live' }, redirect: 'manual' });
      if (!answer.ok || answer.redirected) return stop();
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      // Asked again: somebody may have begun to write in the meantime.
      if (dirty || busy()) return soon();
      for (const [id, html] of sent) {
        const [part, fresh] = [document.getElementById(id), page.getElementById(id)];
        if (!part || !fresh || fresh.outerHTML === html) continue;
        sent.set(id, fresh.outerHTML);
        replace(part, fresh);
        say(`Updated at ${new Date().toLocaleTimeString()}`);
      }
    } catch { /* The network is away: the stream connects again, and then the page is asked for. */ } finally {
      if (again) soon();
      fetching = again = false;
    }
  };
  const open = () => {
    source = new EventSource(main.dataset.events);
    source.addEventListener('changed', () => soon());
    // Not the first time: the page is new then, unless its tab was in the background. Later, news may be missed.
    source.onopen = () => { if (old) soon(); old = true; };
    // A lost connection is made again by the browser; one that was refused is not, and the reader should know.
    source.onerror = ({ target }) => { if (target === source && target.readyState === 2) stop(); };
  };
  main.addEventListener('input', () => { dirty = true; });
  main.addEventListener('reset', () => { dirty = false; soon(); });
  // A hidden page holds no connection: over HTTP/1.1 a browser has six, and as many tabs would block all others.
  document.addEventListener('visibilitychange', () => {
    source?.close();
    old = true;
    if (!document.hidden && !stopped) open();
  });
  // An element that appears is not always read aloud, a text that changes in one is: so it is there from the start.
  if (live) Object.assign(live, { ariaLive: 'polite', textContent: '', hidden: false });
  if (!document.hidden) open();
})();
