#include "report_page.h"

// `#embed` is C23; this toolchain's compiler knows it in C11 too.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const char html[] = {
#embed "Page/report.html" suffix(, 0)
};
static const char css[] = {
#embed "Page/report.css" suffix(, 0)
};
static const char elements_js[] = {
#embed "Page/elements.js" suffix(, 0)
};
static const char numbers_js[] = {
#embed "Page/numbers.js" suffix(, 0)
};
static const char geometry_js[] = {
#embed "Page/geometry.js" suffix(, 0)
};
static const char painter_js[] = {
#embed "Page/painter.js" suffix(, 0)
};
static const char map_js[] = {
#embed "Page/map.js" suffix(, 0)
};
static const char chooser_js[] = {
#embed "Page/chooser.js" suffix(, 0)
};
static const char chart_js[] = {
#embed "Page/chart.js" suffix(, 0)
};
static const char table_js[] = {
#embed "Page/table.js" suffix(, 0)
};
static const char main_js[] = {
#embed "Page/main.js" suffix(, 0)
};

const char *_Nonnull const cka_report_html = html;
const char *_Nonnull const cka_report_css = css;
const char *_Nonnull const cka_report_elements_js = elements_js;
const char *_Nonnull const cka_report_numbers_js = numbers_js;
const char *_Nonnull const cka_report_geometry_js = geometry_js;
const char *_Nonnull const cka_report_painter_js = painter_js;
const char *_Nonnull const cka_report_map_js = map_js;
const char *_Nonnull const cka_report_chooser_js = chooser_js;
const char *_Nonnull const cka_report_chart_js = chart_js;
const char *_Nonnull const cka_report_table_js = table_js;
const char *_Nonnull const cka_report_main_js = main_js;
