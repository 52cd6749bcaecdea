#pragma once

// The parts of the page of a report, as strings that the binary carries along.

extern const char *_Nonnull const cka_report_html;
extern const char *_Nonnull const cka_report_css;

// One script, in the order of its parts.
extern const char *_Nonnull const cka_report_elements_js;
extern const char *_Nonnull const cka_report_numbers_js;
extern const char *_Nonnull const cka_report_geometry_js;
extern const char *_Nonnull const cka_report_painter_js;
extern const char *_Nonnull const cka_report_map_js;
extern const char *_Nonnull const cka_report_chooser_js;
extern const char *_Nonnull const cka_report_chart_js;
extern const char *_Nonnull const cka_report_table_js;
extern const char *_Nonnull const cka_report_main_js;
