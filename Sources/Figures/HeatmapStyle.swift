/// The measures and colours of a heatmap.
///
/// Lengths are in pixels of the PNG. They grow with a matrix that needs more pixels than usual, so
/// that the picture keeps its proportions when it is shown at the size of a page.
struct HeatmapStyle {
  /// What every length is multiplied with.
  let unit: Double
  /// The side of a cell, in whole pixels.
  let cell: Int

  /// The style for a matrix whose longer side has `count` cells.
  init(count: Int) {
    // About 900 pixels, but neither cells of a hand's size nor of less than a pixel. Up to 1000
    // cells a second pixel keeps single rows visible.
    let fitting = Int((900 / Double(count)).rounded())
    cell = min(max(fitting, count <= 1000 ? 2 : 1), 150)
    unit = max(1, Double(cell * count) / 1000)
  }

  /// The style for `count` × `count` tiles of `cell` pixels each; names stay legible in a large picture,
  /// which is looked at in parts.
  init(cell: Int, count: Int) {
    self.cell = cell
    unit = max(1, Double(cell * count) / 1600)
  }

  /// Points of a vector drawing for a pixel: a usual plot is 5 inches wide, its text 7 points high.
  var pointsPerPixel: Double { 0.4 / unit }

  // Text.
  var text: Double { 18 * unit }
  var smallestText: Double { 11 * unit }
  var heading: Double { 24 * unit }
  var axisTitle: Double { 20 * unit }
  var lineSpacing: Double { 1.2 }
  var longestName: Double { 220 * unit }
  /// The shortest distance between two labelled indices.
  var tickDistance: Double { 60 * unit }

  // Distances.
  var margin: Double { 28 * unit }
  var gap: Double { 14 * unit }
  var titleGap: Double { 20 * unit }
  var labelGap: Double { 8 * unit }
  var tick: Double { 6 * unit }
  var barGap: Double { 36 * unit }
  var barWidth: Double { 26 * unit }
  var shortestBar: Double { 180 * unit }
  /// A title may be this long whatever the size of the plot.
  var shortestTitleRoom: Double { 300 * unit }
  var hatchSpacing: Double { 9 * unit }
  var hatchWidth: Double { 1.2 * unit }

  /// The thickness of frames and ticks: whole pixels, so that they are sharp.
  var line: Double { max(1, (1.2 * unit).rounded()) }

  /// The thickness of the light line around cells.
  var outlineWidth: Double { max(1, (2.4 * unit).rounded()) }

  // Colours.
  let ink = RGB(0x262626)
  let faintInk = RGB(0x6E6E6E)
  let undefinedGround = RGB(0xD9D9D9)
  let undefinedStroke = RGB(0x8C8C8C)
  let groupLine = RGB(0x5CC8D7)
  let groupLineOpacity = 0.8
  let outline = RGB(0xFFFFFF)
  let outlineEdge = RGB(0x262626)
  let tileGap = RGB(0xFFFFFF)
  let colorMap = ColorMap.magma
}
