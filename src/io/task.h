// A coroutine that waits on the loop. The only header that names Asio.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace io {

template <class T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace io
