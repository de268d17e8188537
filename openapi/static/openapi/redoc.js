"use strict";

const docs = document.getElementById("docs");
const font = "system-ui, sans-serif";

Redoc.init(
  docs.dataset.schema,
  { theme: { typography: { fontFamily: font, headings: { fontFamily: font } } } },
  docs,
);
