// Json: writes a JSON text. An answer of a broker crosses to JavaScript as one string: whatever it holds, nothing can go wrong there.
#ifndef NATIVE_JSON_H_
#define NATIVE_JSON_H_

#include <cstdint>
#include <cstdio>
#include <string>

namespace Rafka {

class Json {
 public:
  const std::string& text() const { return text_; }

  Json& Begin(char bracket) {
    Separate();
    text_ += bracket;
    return *this;
  }

  Json& End(char bracket) {
    text_ += bracket;
    return *this;
  }

  Json& Key(const char* name) {
    String(name);
    text_ += ':';
    return *this;
  }

  // NULL is null.
  Json& String(const char* value) {
    return value == NULL ? Raw("null") : String(value, std::char_traits<char>::length(value));
  }

  Json& String(const char* value, size_t length) {
    Separate();
    text_ += '"';
    for (size_t i = 0; i < length; i++) {
      Append(value[i]);
    }
    text_ += '"';
    return *this;
  }

  Json& Number(int64_t value) { return Raw(std::to_string(value).c_str()); }

  Json& Bool(bool value) { return Raw(value ? "true" : "false"); }

 private:
  Json& Raw(const char* text) {
    Separate();
    text_ += text;
    return *this;
  }

  // A comma, unless this is the first thing of a list or the value of a key.
  void Separate() {
    if (!text_.empty() && text_.back() != '[' && text_.back() != '{' && text_.back() != ':') {
      text_ += ',';
    }
  }

  void Append(char c) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text_ += '\\';
      text_ += c;
    } else if (byte < 0x20) {
      char escaped[8];
      snprintf(escaped, sizeof(escaped), "\\u%04x", byte);
      text_ += escaped;
    } else {
      text_ += c;
    }
  }

  std::string text_;
};

}  // namespace Rafka

#endif  // NATIVE_JSON_H_
