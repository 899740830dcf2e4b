import { createHash } from 'node:crypto'

/** How often a visible page asks for news. */
const POLL_MS = 10_000

/**
 * The whole script of the page: fetches the part that changes and replaces only what differs, so that whatever is being read,
 * opened or focused stays where it is. Without JavaScript the page reloads itself (`<noscript>`).
 *
 * A page that could not be refreshed must not look current: it says since when it is out of date.
 */
export const SCRIPT = `
(() => {
  'use strict'
  const url = new URL(location.href)
  url.searchParams.set('part', 'main')
  let timer = 0, failing = false
  const $ = (id) => document.getElementById(id)
  /* A card that was open because it was the worst stays open when another becomes worse. */
  const opened = () => new Set([
    ...[...document.querySelectorAll('details[open]')].map((one) => one.id),
    ...[...document.querySelectorAll('[data-open]')].map((one) => one.dataset.open),
  ])
  /* Children are matched by id: what did not change on the server is left alone. */
  const put = (old, fresh) => {
    if (old.outerHTML === fresh.outerHTML) return
    const kids = [...fresh.children]
    const same = old.tagName === fresh.tagName && fresh.hasAttribute('data-live') && kids.every((kid) => kid.id)
    if (!same) return old.replaceWith(fresh)
    for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name)
    for (const { name, value } of [...fresh.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value)
    const known = new Map([...old.children].map((kid) => [kid.id, kid]))
    let at = null
    for (const kid of kids) {
      const was = known.get(kid.id)
      known.delete(kid.id)
      const next = at ? at.nextElementSibling : old.firstElementChild
      if (!was) old.insertBefore(kid, next)
      else {
        if (was !== next) old.insertBefore(was, next)
        put(was, kid)
      }
      at = $(kid.id)
    }
    for (const gone of known.values()) gone.remove()
  }
  const say = (text) => { if ($('said').textContent !== text) $('said').textContent = text }
  const take = (html) => {
    const fresh = new DOMParser().parseFromString(html, 'text/html').querySelector('main')
    const old = document.querySelector('main')
    if (!fresh || !old) throw new Error('no page')
    const open = opened(), focus = document.activeElement && document.activeElement.id
    for (const one of fresh.querySelectorAll('details')) one.open = open.has(one.id)
    const was = old.dataset.state
    put(old, fresh)
    if (focus && document.activeElement.id !== focus && $(focus)) $(focus).focus({ preventScroll: true })
    const { title, icon, state, at } = document.querySelector('main').dataset
    document.title = title
    const link = document.querySelector('link[rel=icon]')
    if (link.getAttribute('href') !== icon) link.setAttribute('href', icon)
    $('at').textContent = at
    if (state !== was) say('Now: ' + state)
  }
  const stale = (why) => {
    if (failing) return
    failing = true
    $('stale').textContent = 'This page is out of date: ' + why + ' It shows the state as of ' + $('at').textContent + '.'
    $('stale').hidden = false
    document.title = 'STALE · ' + document.title
  }
  const ask = async () => {
    clearTimeout(timer)
    const patience = new AbortController()
    const over = setTimeout(() => patience.abort(), ${POLL_MS})
    try {
      const answer = await fetch(url, { signal: patience.signal, credentials: 'same-origin', redirect: 'error' })
      if (!answer.ok) throw answer.status === 401 ? 'sign in with the token again.' : 'Alibi answered ' + answer.status + '.'
      const html = await answer.text()
      failing = false
      take(html)
      $('stale').hidden = true
    } catch (why) {
      stale(typeof why === 'string' ? why : 'Alibi does not respond.')
    } finally {
      clearTimeout(over)
      timer = setTimeout(ask, ${POLL_MS})
    }
  }
  document.addEventListener('visibilitychange', () => document.hidden ? clearTimeout(timer) : ask())
  addEventListener('pageshow', (event) => { if (event.persisted) ask() })
  timer = setTimeout(ask, ${POLL_MS})
})()
`

/** For `script-src`: only this text may run. */
export const SCRIPT_HASH = `'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'`
