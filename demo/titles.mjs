/** @import { components } from '@watchlist/client' */

/** @typedef {components['schemas']['CreateItemDto']} NewItem */
/** @typedef {Omit<NewItem, 'title' | 'type'>} Details */

/** @type {(title: string, details: Details) => NewItem} */
const movie = (title, details) => ({ title, type: 'movie', ...details });
/** @type {(title: string, details: Details) => NewItem} */
const show = (title, details) => ({ title, type: 'show', ...details });

/** Of many countries and in their scripts, as a list has to be able to show them; added in this order. */
export const TITLES = [
  movie('Casablanca', {
    year: 1942,
    status: 'watched',
    rating: 9,
    tags: ['classic', 'date night'],
    watched_at: '2026-02-14',
  }),
  show('The Twilight Zone', { year: 1959, tags: ['classic'] }),
  movie('七人の侍', { year: 1954, rating: 10, status: 'watched', tags: ['japanese', 'classic'] }),
  movie('पथेर पांचाली', { year: 1955 }),
  show('Doctor Who', {
    year: 2005,
    status: 'watching',
    progress: { season: 4, episode: 9 },
    tags: ['sci-fi'],
  }),
  movie('M – Eine Stadt sucht einen Mörder', { year: 1931, tags: ['german', 'classic'] }),
  movie('Some Like It Hot', { year: 1959, status: 'watched', rating: 8.5, tags: ['comedy'] }),
  show('Fawlty Towers', { year: 1975, status: 'watched', rating: 9, tags: ['comedy'] }),
  movie('8½', { year: 1963, tags: ['italian'] }),
  show('Dix pour cent', {
    year: 2015,
    status: 'on_hold',
    progress: { season: 2 },
    tags: ['french', 'comedy'],
  }),
  movie('Ζορμπάς', { year: 1964 }),
  movie('2001: A Space Odyssey', { year: 1968, runtime_minutes: 149, tags: ['sci-fi', 'classic'] }),
  show('カウボーイビバップ', { year: 1998, tags: ['japanese', 'sci-fi'] }),
  movie('The Godfather', {
    year: 1972,
    status: 'watched',
    rating: 9.5,
    runtime_minutes: 175,
    ids: { imdb: 'tt0068646', tmdb: 238 },
  }),
  show('The Wire', { year: 2002, status: 'watching', progress: { season: 3, episode: 2 } }),
  movie('Сталкер', { year: 1979, notes: 'Recommended by Ada. Best on a big screen.', tags: ['sci-fi'] }),
  movie('Alien³', { year: 1992, status: 'dropped', rating: 5, tags: ['sci-fi'] }),
  show('Twin Peaks', { year: 1990, status: 'on_hold', progress: { season: 2, episode: 10 } }),
  movie('Cidade de Deus', { year: 2002 }),
  show('Broen/Bron', { year: 2011, tags: ['crime'] }),
  movie('La vita è bella', { year: 1997, tags: ['italian'] }),
  movie('花樣年華', { year: 2000, tags: ['date night'] }),
  show('Borgen', { year: 2010, status: 'watched', rating: 8 }),
  movie('جدایی نادر از سیمین', { year: 2011 }),
  show('Breaking Bad', { year: 2008, status: 'watched', rating: 9.5, tags: ['crime'] }),
  movie('El laberinto del fauno', { year: 2006, tags: ['spanish'] }),
  movie('Låt den rätte komma in', { year: 2008 }),
  show('Fleabag', { year: 2016, status: 'watched', rating: 9, tags: ['comedy'] }),
  movie('Das Leben der Anderen', { year: 2006, tags: ['german'] }),
  show('Ófærð', { year: 2015, tags: ['crime'] }),
  movie('Mad Max: Fury Road', { year: 2015, status: 'watched', rating: 8, runtime_minutes: 120 }),
  movie('WALL·E', { year: 2008, runtime_minutes: 98, tags: ['sci-fi', 'family'] }),
  show('오징어 게임', {
    year: 2021,
    status: 'watching',
    progress: { season: 1, episode: 6 },
    tags: ['korean'],
  }),
  movie('Pulp Fiction', { year: 1994 }),
  show('La casa de papel', { year: 2017, status: 'dropped', rating: 4.5, tags: ['spanish', 'crime'] }),
  movie('기생충', {
    year: 2019,
    runtime_minutes: 132,
    tags: ['korean'],
    ids: { imdb: 'tt6751668', tmdb: 496243 },
  }),
  movie('千と千尋の神隠し', { year: 2001, tags: ['japanese', 'family'] }),
  show('Babylon Berlin', { year: 2017, tags: ['german', 'crime'] }),
  movie('Le Fabuleux Destin d’Amélie Poulain', {
    year: 2001,
    notes: 'With Ana',
    tags: ['french', 'date night'],
  }),
  show('Severance', {
    year: 2022,
    status: 'watching',
    progress: { season: 1, episode: 4 },
    tags: ['sci-fi'],
  }),
];
