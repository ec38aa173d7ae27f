/** Style sheets are imported for webpack, which puts them into `main.css`. */
declare module '*.css';
