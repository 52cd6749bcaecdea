import Foundation
import Testing

@testable import Figures

@Suite struct ColorMapTests {
  /// CIE 1976 lightness, 0 to 100, of an sRGB colour under its own white.
  private func lightness(_ color: RGB) -> Double {
    func linear(_ channel: UInt8) -> Double {
      let value = Double(channel) / 255
      return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
    }
    let luminance =
      0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue)
    return luminance > 216.0 / 24389 ? 116 * cbrt(luminance) - 16 : luminance * 24389 / 27
  }

  @Test func magmaIsMatplotlibs() {
    #expect(ColorMap.magma.count == 256)
    // matplotlib.colormaps["magma"](i, bytes=True)
    #expect(ColorMap.magma.color(at: 0) == RGB(red: 0, green: 0, blue: 3))
    #expect(ColorMap.magma.color(at: 128.0 / 256) == RGB(red: 0xB6, green: 0x36, blue: 0x79))
    #expect(ColorMap.magma.color(at: 1) == RGB(red: 0xFB, green: 0xFC, blue: 0xBF))
  }

  @Test func lightnessRises() {
    let colors = (0..<256).map { ColorMap.magma.color(at: (Double($0) + 0.5) / 256) }
    let steps = zip(colors, colors.dropFirst()).map { lightness($1) - lightness($0) }
    #expect(steps.allSatisfy { $0 > 0 })
    // The map is even: no step is more than a few times the average one of 98/255.
    #expect(steps.max() ?? 100 < 1.2)
  }

  @Test func valuesOutsideAreClampedAndNaNHasNoColor() {
    let map = ColorMap.magma
    #expect(map.color(of: -7, in: 0...1) == map.color(at: 0))
    #expect(map.color(of: .infinity, in: 0...1) == map.color(at: 1))
    #expect(map.color(of: -.infinity, in: 0...1) == map.color(at: 0))
    #expect(map.color(of: 0.4, in: -0.2...1) == map.color(at: 0.5))
    #expect(map.color(of: .nan, in: 0...1) == nil)
  }
}
